package preflight

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"portfolio/config"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The names asked for are all those that the stack has, of the types asked about.
func TestNamesAreThoseOfTheStack(t *testing.T) {
	for _, profile := range []string{"standard", "preview", "production"} {
		t.Run(profile, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("../../test/testdata", profile+".json"))
			require.NoError(t, err)
			var stack struct {
				Terraform struct {
					Backend struct{ S3 struct{ Key string } }
				}
				Resource map[string]map[string]map[string]any
			}
			require.NoError(t, json.Unmarshal(text, &stack))
			suffix, _, _ := strings.Cut(stack.Terraform.Backend.S3.Key, "/")
			settings, err := config.Load(map[string]string{"ENVIRONMENT_SUFFIX": suffix, "PORTFOLIO_PROFILE": profile,
				"CERTIFICATE_ARN": "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"}, fstest.MapFS{})
			require.NoError(t, err)
			e := &environment{Config: settings}
			attributes := map[string]string{}
			var asked, given []string
			for _, n := range e.names() {
				attributes[n.kind] = n.attribute
				asked = append(asked, n.kind+" "+n.name)
			}
			for kind, attribute := range attributes {
				for id, values := range stack.Resource[kind] {
					require.IsType(t, "", values[attribute], "%s.%s", kind, id)
					given = append(given, kind+" "+values[attribute].(string))
				}
			}
			assert.ElementsMatch(t, given, asked)
			assert.Len(t, stack.Resource["aws_s3_bucket"], 3,
				"bucket names end with the account and are checked separately")
			for _, q := range e.quotas() {
				assert.Len(t, stack.Resource[q.kind], q.needs, q.spoken)
			}
		})
	}
}

func TestFindingIsOneLine(t *testing.T) {
	f := Finding{What: "role x", Got: "two\nlines", Want: "one", Fix: "`rm`"}
	assert.Equal(t, "role x: got two lines, want one; fix: `rm`", f.String())
	f.Harmless = true
	assert.Equal(t, "note: role x: got two lines, want one; fix: `rm`", f.String())
	assert.Equal(t, 1, Report{Findings: []Finding{f, {What: "a fault"}}}.Faults())
}

func TestFaultsOfAnswers(t *testing.T) {
	c := newCloud(t)
	const quotas, refusal = "ServiceQuotasV20190624.GetServiceQuota", "AccessDeniedException"
	reply := func(w http.ResponseWriter, status int, body string) bool {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		return true
	}
	const arn = "arn:aws:acm:us-east-1:000000000000:certificate/00000000-1111-2222-3333-444444444444"
	certificate := func(body string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			return r.Header.Get("X-Amz-Target") == "CertificateManager.DescribeCertificate" &&
				reply(w, http.StatusOK, `{"Certificate":`+body+`}`)
		}
	}
	cases := map[string]struct {
		answer   func(http.ResponseWriter, *http.Request) bool
		want     []string // start of each line
		settings map[string]string
	}{
		"certificate that waits": {
			certificate(`{"Status":"PENDING_VALIDATION"}`),
			[]string{"certificate " + arn +
				": got PENDING_VALIDATION, want an issued one in us-east-1; fix: make the DNS records"},
			map[string]string{"CERTIFICATE_ARN": arn},
		},
		"certificate that was revoked": {
			certificate(`{"Status":"REVOKED"}`),
			[]string{"certificate " + arn + ": got REVOKED, want an issued one in us-east-1; fix: set CERTIFICATE_ARN"},
			map[string]string{"CERTIFICATE_ARN": arn},
		},
		"certificate that has expired": { // Status may lag behind
			certificate(`{"Status":"ISSUED","NotAfter":1767225600}`),
			[]string{"certificate " + arn + ": got one that expired 2026-01-01, want an issued one"},
			map[string]string{"CERTIFICATE_ARN": arn},
		},
		"certificate in order": {
			certificate(`{"Status":"ISSUED","NotAfter":4102444800}`), nil, map[string]string{"CERTIFICATE_ARN": arn},
		},
		"another account's bucket": {
			func(w http.ResponseWriter, r *http.Request) bool {
				return r.Method == http.MethodHead && strings.HasPrefix(r.URL.Path, "/portfolio-hist-pr7-") &&
					reply(w, http.StatusForbidden, "")
			},
			[]string{"bucket portfolio-hist-pr7-000000000000: got somebody else's, which these credentials may not see, want the name to be free; fix: choose another ENVIRONMENT_SUFFIX"},
			nil,
		},
		"a quota set for the account": {
			func(w http.ResponseWriter, r *http.Request) bool {
				return r.Header.Get("X-Amz-Target") == quotas && reply(w, http.StatusOK, `{"Quota":{"Value":1}}`)
			},
			[]string{
				"quota of Elastic IPs in us-east-1: got 1 (Service Quotas), 0 of them used outside this environment, want 2 free; fix: release some, or `aws service-quotas request-service-quota-increase --service-code ec2 --quota-code L-0263D0A3 --desired-value 2 --region us-east-1`",
				"quota of VPCs in us-east-1: got 1 (Service Quotas), 1 of them used outside this environment, want 1 free",
				"quota of internet gateways in us-east-1: got 1 (Service Quotas)",
				"quota of vCPUs of standard on-demand instances in us-east-1: got 1 (Service Quotas)",
			},
			nil,
		},
		"a quota with its default": {
			func(w http.ResponseWriter, r *http.Request) bool {
				return r.Header.Get("X-Amz-Target") == quotas &&
					reply(w, http.StatusBadRequest, `{"__type":"NoSuchResourceException"}`)
			},
			nil, nil,
		},
		"refused": {
			func(w http.ResponseWriter, r *http.Request) bool {
				return r.Header.Get("X-Amz-Target") == quotas &&
					reply(w, http.StatusBadRequest, `{"__type":"`+refusal+`","Message":"no"}`)
			},
			[]string{
				"could not check quota of Elastic IPs: got AccessDeniedException (no), want an answer of Service Quotas GetServiceQuota; fix: allow these credentials to make that call",
				"could not check quota of VPCs", "could not check quota of internet gateways",
				"note: could not check quota of vCPUs",
			},
			nil,
		},
		"state refused": { // nothing that depends on it is reported
			func(w http.ResponseWriter, r *http.Request) bool {
				return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, ".tfstate") &&
					reply(w, http.StatusForbidden, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
			},
			[]string{"could not check state pr7/portfolio-pr7.tfstate: got AccessDenied (no), want an answer of S3 GetObject; fix: allow these credentials to make that call"},
			nil,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) { expect(t, c.answering(t, tc.answer).run(t, tc.settings), tc.want) })
	}
}

// With invalid credentials no other call is made.
func TestBadCredentials(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "<ErrorResponse><Error><Code>ExpiredToken</Code><Message>old</Message></Error></ErrorResponse>")
	}))
	defer server.Close()
	report := cloud{server.URL}.run(t, nil)
	expect(t, report, []string{"credentials: got ExpiredToken, want valid ones; fix: sign in again"})
	assert.Empty(t, report.Account)
	assert.Equal(t, 1, asked)
}
