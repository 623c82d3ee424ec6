package test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// apiTraps are about API Gateway, Lambda, CloudWatch and Terraform itself.
var apiTraps = []row{
	{"the stage states both throttling limits", all(between("api/stage", "default_route_settings.throttling_rate_limit", 1, 10_000),
		between("api/stage", "default_route_settings.throttling_burst_limit", 1, 5000),
		has("api/stage", `{"route_settings": null}`))},
	{"the stage is deployed automatically", has("api/stage", `{"auto_deploy": true}`)},
	{"the stage waits for its routes", after("api/stage", "api/connect", "api/disconnect", "api/default", "api/handler-integration", "api/default-response")},
	{"the default route has a response", all(has("api/default", `{"route_response_selection_expression": "$default"}`),
		has("api/default-response", `{"route_id": "${api/default.id}", "route_response_key": "$default"}`))},
	{"no deployment is managed", none("aws_apigatewayv2_deployment")},
	{"the stage has no settings of single routes", has("api/stage", `{"route_settings": null}`)},
	{"the integration calls the function by its invoke ARN with POST", has("api/handler-integration", `{"integration_uri": "${api/handler.invoke_arn}",
		"integration_method": "POST", "integration_type": "AWS_PROXY", "timeout_milliseconds": 29000}`)},
	{"instances may post to connections of this stage", has("api/push-policy", `{"policy.Statement.0.Resource": "${api/websocket.execution_arn}/prod/*/@connections/*"}`)},
	{"the page's socket is this API, and instances wait neither for its routes nor for the function", all(
		matches(template, "user_data", `WEBSOCKET_URL='\$\{api/websocket\.api_endpoint\}/prod'`),
		func(m model) error {
			for _, later := range []string{"api/handler", "api/stage", "api/handler-integration"} {
				if m.needs(fleet)[later] {
					return fmt.Errorf("%s waits for %s", fleet, later)
				}
			}
			return nil
		})},
	{"API Gateway may invoke the function from every route of the stage", has("api/handler-permission", `{"source_arn": "${api/websocket.execution_arn}/prod/*"}`)},
	{"the stage writes no messages to its log", has("api/stage", `{"default_route_settings.data_trace_enabled": false, "default_route_settings.logging_level": "OFF"}`)},
	{"the stage writes no logs by default, which need a role of the account", all(has("api/stage", `{"access_log_settings": null}`), none("aws_api_gateway_account"))},

	{"the zip holds the binary's file, with its mode", has("api/handler-zip", `{"source_content": null, "source": null, "source_file": "../../../build/lambda/bootstrap"}`)},
	{"a changed binary is deployed", has("api/handler", `{"source_code_hash": "${filebase64sha256(\"../../../build/lambda/bootstrap\")}"}`)},
	{"function and binary have the same architecture", has("api/handler", `{"architectures": ["x86_64"], "handler": "bootstrap", "runtime": "provided.al2023"}`)},
	{"the function waits for its role's policy", after("api/handler", "api/handler-policy")},
	{"the function writes to a log group that exists before it", all(after("api/handler", "api/handler-log-group"), nobodyMakesLogGroups,
		has("api/handler", `{"logging_config.log_group": "${api/handler-log-group.name}"}`))},
	{"no concurrency is reserved", has("api/handler", `{"reserved_concurrent_executions": null}`)},
	{"the function's environment is at most 4 KB", func(m model) error {
		text := reference.ReplaceAllString(asJSON(m.at("api/handler", "environment.variables")),
			strings.Repeat("x", 128))
		if len(text) > 4096 || len(text) < 10 {
			return fmt.Errorf("environment of %d bytes", len(text))
		}
		return nil
	}},

	{"alarms and widgets have exactly their metrics' dimensions", all(alarmsAre, dashboardShows(dashboardSpecification))},
	{"the dashboard names load balancers by the end of their ARN", dashboardLacks(`load-balancer/(alb|targets)\.arn\}`)},
	{"group metrics are published every minute", has(fleet, `{"metrics_granularity": "1Minute"}`)},
	{"the dashboard has WebSocket metrics, not those of REST APIs", dashboardLacks(`"AWS/ApiGateway","(4XXError|5XXError|Count|Latency)"`)},
	{"every alarm has one kind of statistic", every("aws_cloudwatch_metric_alarm", func(m model, path string) bool {
		return (m.at(path, "statistic") == nil) != (m.at(path, "extended_statistic") == nil) &&
			m.at(path, "metric_query") == nil
	})},
	{"alarms on percentiles ignore small samples", every("aws_cloudwatch_metric_alarm", func(m model, path string) bool {
		return m.at(path, "extended_statistic") == nil ||
			m.at(path, "evaluate_low_sample_count_percentiles") == "ignore" &&
				m.at(path, "evaluation_periods").(float64) >= 3
	})},
	{"every alarm says what missing data mean", every("aws_cloudwatch_metric_alarm", func(m model, path string) bool {
		return slices.Contains([]string{"notBreaching", "breaching"}, m.text(path, "treat_missing_data"))
	})},
	{"no alarm is on the cache's latency, which is in microseconds", every("aws_cloudwatch_metric_alarm", func(m model, path string) bool {
		return !strings.HasPrefix(m.text(path, "metric_name"), "Successful")
	})},
	{"the dashboard's widgets fit its grid", gridIsSound},

	{"every ephemeral value in use is declared", func(m model) error {
		for _, use := range regexp.MustCompile(`ephemeral\.([a-z_]+)\.([a-z]+)`).FindAllStringSubmatch(m.Text, -1) {
			if dig(m.Stack, "ephemeral", use[1], use[2]) == nil {
				return fmt.Errorf("%s is not declared", use[0])
			}
		}
		return nil
	}},
	{"every token in JSON is resolved", func(m model) error {
		if broken := regexp.MustCompile(`TfToken|\\"\$\{[^}]*\\\\"`).FindString(m.Text); broken != "" {
			return fmt.Errorf("a token was not resolved: %s", broken)
		}
		return nil
	}},
	{"nothing loops over what a plan may not know", func(m model) error {
		for path := range m.Blocks {
			if m.at(path, "for_each") != nil {
				return fmt.Errorf("%s: loops over what a plan may not know", path)
			}
		}
		return nil
	}},
	{"ignored changes are of arguments that exist", func(m model) error {
		for path := range m.Blocks {
			for _, name := range list(m.at(path, "lifecycle.ignore_changes")) {
				if !regexp.MustCompile(`^[a-z_]+$`).MatchString(name) || m.at(path, name) == nil {
					return fmt.Errorf("%s: ignores changes of %s, which it does not have", path, name)
				}
			}
		}
		return nil
	}},
	{"Terraform is at least 1.11", func(m model) error { return equal(dig(m.Stack, "terraform", "required_version"), `">= 1.11.0"`) }},
	{"the state is locked by an object", func(m model) error {
		return equal(dig(m.Stack, "terraform", "backend", "s3", "use_lockfile"), `true`)
	}},
	{"the backend is literal and not a bucket of this stack", func(m model) error {
		backend := asJSON(dig(m.Stack, "terraform", "backend", "s3"))
		if strings.Contains(backend, "${") || strings.Contains(backend, `"bucket":"portfolio-`) || backend == "null" {
			return fmt.Errorf("backend: %s", backend)
		}
		return nil
	}},
}

// dashboardLacks holds if the pattern matches nothing in the dashboard.
func dashboardLacks(pattern string) check {
	return func(m model) error {
		if found := regexp.MustCompile(pattern).FindString(asJSON(widgets(m))); found != "" || len(widgets(m)) == 0 {
			return fmt.Errorf("dashboard: has %q", found)
		}
		return nil
	}
}
