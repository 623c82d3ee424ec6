package test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// apiTraps are the rows of part B on API Gateway, Lambda and CloudWatch.
var apiTraps = []row{
	{"B7: default_route_settings without both throttling values", all(between("api/stage", "default_route_settings.throttling_rate_limit", 1, 10_000),
		between("api/stage", "default_route_settings.throttling_burst_limit", 1, 5000), has("api/stage", `{"route_settings": null}`))},
	{"B7: stage without auto_deploy and without deployment_id", has("api/stage", `{"auto_deploy": true}`)},
	{"B7: stage before routes exist", after("api/stage", "api/connect", "api/disconnect", "api/default", "api/handler-integration", "api/default-response")},
	{"B7: route returns a body, no response configured", all(has("api/default", `{"route_response_selection_expression": "$default"}`),
		has("api/default-response", `{"route_id": "${api/default.id}", "route_response_key": "$default"}`))},
	{"B7: deployment replaced in place", none("aws_apigatewayv2_deployment")},
	{"B7: route_settings for a route not yet created", has("api/stage", `{"route_settings": null}`)},
	{"B7: integration_uri is the function's ARN", has("api/handler-integration", `{"integration_uri": "${api/handler.invoke_arn}",
		"integration_method": "POST", "integration_type": "AWS_PROXY", "timeout_milliseconds": 29000}`)},
	{"B7: ManageConnections on the wrong ARN", has("api/push-policy", `{"policy.Statement.0.Resource": "${api/websocket.execution_arn}/prod/*/@connections/*"}`)},
	{"B7: Lambda permission", has("api/handler-permission", `{"source_arn": "${api/websocket.execution_arn}/prod/*"}`)},
	{"B7: data_trace_enabled", has("api/stage", `{"default_route_settings.data_trace_enabled": false, "default_route_settings.logging_level": "OFF"}`)},
	{"B7: logging without the account role", all(has("api/stage", `{"access_log_settings": null}`), none("aws_api_gateway_account"))},

	{"B8: archive_file with source_content", has("api/handler-zip", `{"source_content": null, "source": null, "source_file": "../../../build/lambda/bootstrap"}`)},
	{"B8: no source_code_hash", has("api/handler", `{"source_code_hash": "${api/handler-zip.output_base64sha256}"}`)},
	{"B8: arm64 function, amd64 binary", has("api/handler", `{"architectures": ["x86_64"], "handler": "bootstrap", "runtime": "provided.al2023"}`)},
	{"B8: role policy attached in parallel", after("api/handler", "api/handler-policy")},
	{"B8: log group created in parallel", all(after("api/handler", "api/handler-log-group"), nobodyMakesLogGroups,
		has("api/handler", `{"logging_config.log_group": "${api/handler-log-group.name}"}`))},
	{"B8: reserved_concurrent_executions", has("api/handler", `{"reserved_concurrent_executions": null}`)},
	{"B8: large environment", func(m model) error {
		text := reference.ReplaceAllString(asJSON(m.at("api/handler", "environment.variables")), strings.Repeat("x", 128))
		if len(text) > 4096 || len(text) < 10 {
			return fmt.Errorf("environment of %d bytes", len(text))
		}
		return nil
	}},

	{"B9: wrong or partial dimension set", all(alarmsAre, dashboardShows(dashboardSpecification))},
	{"B9: ALB dimension with the full ARN", dashboardLacks(`load-balancer/(alb|targets)\.arn\}`)},
	{"B9: group metrics", has(fleet, `{"metrics_granularity": "1Minute"}`)},
	{"B9: REST metric names for WebSocket", dashboardLacks(`"AWS/ApiGateway","(4XXError|5XXError|Count|Latency)"`)},
	{"B9: statistic with extended_statistic", every("aws_cloudwatch_metric_alarm", func(m model, path string) bool {
		return (m.at(path, "statistic") == nil) != (m.at(path, "extended_statistic") == nil) && m.at(path, "metric_query") == nil
	})},
	{"B9: p99 with little traffic", every("aws_cloudwatch_metric_alarm", func(m model, path string) bool {
		return m.at(path, "extended_statistic") == nil || m.at(path, "evaluate_low_sample_count_percentiles") == "ignore" && m.at(path, "evaluation_periods").(float64) >= 3
	})},
	{"B9: treat_missing_data left at missing", every("aws_cloudwatch_metric_alarm", func(m model, path string) bool {
		return slices.Contains([]string{"notBreaching", "breaching"}, m.text(path, "treat_missing_data"))
	})},
	{"B9: ElastiCache latency thresholds in ms", every("aws_cloudwatch_metric_alarm", func(m model, path string) bool {
		return !strings.HasPrefix(m.text(path, "metric_name"), "Successful")
	})},
	{"B9: dashboard body", gridIsSound},

	{"B10: CDKTF has no ephemeral blocks", func(m model) error {
		for _, use := range regexp.MustCompile(`ephemeral\.([a-z_]+)\.([a-z]+)`).FindAllStringSubmatch(m.Text, -1) {
			if dig(m.Stack, "ephemeral", use[1], use[2]) == nil {
				return fmt.Errorf("%s is not declared", use[0])
			}
		}
		return nil
	}},
	{"B10: tokens inside hand-made JSON", func(m model) error {
		if broken := regexp.MustCompile(`TfToken|\\"\$\{[^}]*\\\\"`).FindString(m.Text); broken != "" {
			return fmt.Errorf("a token was not resolved: %s", broken)
		}
		return nil
	}},
	{"B10: TerraformIterator over domain_validation_options", func(m model) error {
		for path := range m.Blocks {
			if m.at(path, "for_each") != nil {
				return fmt.Errorf("%s: loops over what a plan may not know", path)
			}
		}
		return nil
	}},
	{"B10: ignore_changes with Go names", func(m model) error {
		for path := range m.Blocks {
			for _, name := range list(m.at(path, "lifecycle.ignore_changes")) {
				if !regexp.MustCompile(`^[a-z_]+$`).MatchString(name) || m.at(path, name) == nil {
					return fmt.Errorf("%s: ignores changes of %s, which it does not have", path, name)
				}
			}
		}
		return nil
	}},
	{"B10: required_version", func(m model) error { return equal(dig(m.Stack, "terraform", "required_version"), `">= 1.11.0"`) }},
	{"B10: use_lockfile rights", func(m model) error {
		return equal(dig(m.Stack, "terraform", "backend", "s3", "use_lockfile"), `true`)
	}},
	{"B10: tokens or own bucket in the backend block", func(m model) error {
		backend := asJSON(dig(m.Stack, "terraform", "backend", "s3"))
		if strings.Contains(backend, "${") || strings.Contains(backend, `"bucket":"portfolio-`) || backend == "null" {
			return fmt.Errorf("backend: %s", backend)
		}
		return nil
	}},
	{"B10: default_tags taken to reach everything", tagsReachInstances},
}

// dashboardLacks holds when the pattern matches nothing in the dashboard.
func dashboardLacks(pattern string) check {
	return func(m model) error {
		if found := regexp.MustCompile(pattern).FindString(asJSON(widgets(m))); found != "" || len(widgets(m)) == 0 {
			return fmt.Errorf("dashboard: has %q", found)
		}
		return nil
	}
}
