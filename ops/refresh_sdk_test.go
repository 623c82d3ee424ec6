package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
)

// useAWS points the SDK at a server, without any other settings of this machine.
func useAWS(t *testing.T, endpoint string) {
	t.Helper()
	none := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_SESSION_TOKEN": "",
		"AWS_PROFILE": "", "AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_REGION": "", "AWS_DEFAULT_REGION": "",
	} {
		t.Setenv(name, value)
	}
}

// queryAPI speaks the protocol of Auto Scaling: forms in, XML out.
func queryAPI(t *testing.T, answers ...func(w http.ResponseWriter, group string)) *httptest.Server {
	t.Helper()
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "DescribeInstanceRefreshes", r.FormValue("Action"))
		assert.Contains(t, r.Header.Get("Authorization"), "/eu-west-1/autoscaling/aws4_request")
		w.Header().Set("Content-Type", "text/xml")
		answers[min(calls, len(answers)-1)](w, r.FormValue("AutoScalingGroupName"))
		calls++
	}))
	t.Cleanup(server.Close)
	return server
}

func refused(status int, code, message string) func(http.ResponseWriter, string) {
	return func(w http.ResponseWriter, _ string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `<ErrorResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/">
			<Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>1</RequestId></ErrorResponse>`, code, message)
	}
}

func refreshed(status string) func(http.ResponseWriter, string) {
	return func(w http.ResponseWriter, group string) {
		fmt.Fprintf(w, `<DescribeInstanceRefreshesResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/">
			<DescribeInstanceRefreshesResult><InstanceRefreshes><member>
				<InstanceRefreshId>08b91cf7</InstanceRefreshId><AutoScalingGroupName>%s</AutoScalingGroupName><Status>%s</Status>
				<StatusReason>Instances failed health checks</StatusReason><PercentageComplete>50</PercentageComplete>
				<StartTime>2026-01-02T15:00:05Z</StartTime>
			</member></InstanceRefreshes></DescribeInstanceRefreshesResult></DescribeInstanceRefreshesResponse>`, group, status)
	}
}

func TestAwaitRefreshThroughTheSDK(t *testing.T) {
	throttled := refused(http.StatusBadRequest, "Throttling", "Rate exceeded")
	for name, test := range map[string]struct {
		answers  []func(http.ResponseWriter, string)
		args     []string
		status   int
		out, err string
	}{
		"throttled, then successful": {
			[]func(http.ResponseWriter, string){throttled, throttled, refreshed("Successful")}, nil,
			0, "portfolio-asg-pr7: instance refresh 08b91cf7: Successful, 50 %: Instances failed health checks\n", "",
		},
		"failed": {
			[]func(http.ResponseWriter, string){refreshed("Failed")},
			[]string{"--asg", "other", "--since", "2026-01-02T15:00:00Z"},
			exitFailed, "", "ops: other: instance refresh 08b91cf7: Failed, 50 %: Instances failed health checks\n",
		},
		"failed before": {
			[]func(http.ResponseWriter, string){refreshed("Failed")}, []string{"--since", "2026-01-02T16:30:00+01:00"},
			0, "portfolio-asg-pr7: no instance refresh was started\n", "",
		},
		"no such group": {
			[]func(http.ResponseWriter, string){refused(http.StatusBadRequest, "ValidationError",
				"AutoScalingGroup name not found")}, nil,
			exitFailed, "", "ops: portfolio-asg-pr7: ValidationError: AutoScalingGroup name not found\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			useAWS(t, queryAPI(t, test.answers...).URL)
			environ := map[string]string{"ENVIRONMENT_SUFFIX": "pr7", "AWS_REGION": "eu-west-1"}
			status, out, problems := runOps(t, environ, append([]string{"await-refresh"}, test.args...)...)
			assert.Equal(t, test.status, status)
			assert.Equal(t, test.out, out)
			assert.Equal(t, test.err, problems)
		})
	}
}

func TestAwaitRefreshWithoutCredentials(t *testing.T) {
	useAWS(t, "http://127.0.0.1:1") // never called
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	status, _, problems := runOps(t, nil, "await-refresh")
	assert.Equal(t, exitFailed, status)
	assert.Contains(t, problems, "ops: AWS credentials: got none, want those of the deploy: ")
}
