package preflight

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"portfolio/config"
	"portfolio/local/servers"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	account     = "000000000000" // the emulator's
	stateBucket = "preflight-states"
)

// cloud is an emulated account with a good state bucket and nothing else.
type cloud struct{ url string }

// newCloud starts an account of its own for a test.
func newCloud(t *testing.T) cloud {
	t.Helper()
	emulator, err := servers.StartEmulator(t.Context(), servers.EmulatorConfig{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, emulator.Stop()) })
	c := cloud{emulator.URL}
	_, err = c.s3().CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(stateBucket)})
	require.NoError(t, err)
	c.version(t, s3types.BucketVersioningStatusEnabled)
	c.block(t, true)
	return c
}

func (c cloud) aws(region string) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: &c.url, RetryMaxAttempts: 2,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

func (c cloud) s3() *s3.Client {
	return s3.NewFromConfig(c.aws("us-east-1"), func(o *s3.Options) { o.UsePathStyle = true })
}

func (c cloud) version(t *testing.T, status s3types.BucketVersioningStatus) {
	t.Helper()
	_, err := c.s3().PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: aws.String(stateBucket), VersioningConfiguration: &s3types.VersioningConfiguration{Status: status},
	})
	require.NoError(t, err)
}

func (c cloud) block(t *testing.T, policies bool) {
	t.Helper()
	_, err := c.s3().PutPublicAccessBlock(t.Context(), &s3.PutPublicAccessBlockInput{
		Bucket: aws.String(stateBucket),
		PublicAccessBlockConfiguration: &s3types.PublicAccessBlockConfiguration{
			BlockPublicAcls: aws.Bool(true), BlockPublicPolicy: aws.Bool(policies), IgnorePublicAcls: aws.Bool(true), RestrictPublicBuckets: aws.Bool(true),
		},
	})
	require.NoError(t, err)
}

// put writes an object beside the state until undone.
func (c cloud) put(t *testing.T, key, body string) (undo func()) {
	t.Helper()
	_, err := c.s3().PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(stateBucket), Key: &key, Body: strings.NewReader(body)})
	require.NoError(t, err)
	return func() {
		_, err := c.s3().DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(stateBucket), Key: &key})
		require.NoError(t, err)
	}
}

// run is a preflight of the environment "pr7" with some settings changed.
func (c cloud) run(t *testing.T, more map[string]string) Report {
	t.Helper()
	environ := map[string]string{"ENVIRONMENT_SUFFIX": "pr7", "TERRAFORM_STATE_BUCKET": stateBucket, "AWS_ENDPOINT_URL": c.url}
	for name, value := range more {
		environ[name] = value
	}
	settings, err := config.Load(environ, fstest.MapFS{})
	require.NoError(t, err)
	return Run(t.Context(), settings, c.aws(settings.Region), c.aws(settings.State.Region))
}

// clean expects a preflight to find nothing.
func (c cloud) clean(t *testing.T) {
	t.Helper()
	report := c.run(t, nil)
	assert.Empty(t, report.Findings)
	assert.Equal(t, account, report.Account)
}

// stateOf is a state with one instance of a resource.
func stateOf(kind string, attributes map[string]any) string {
	text, err := json.Marshal(map[string]any{"version": 4, "resources": []any{map[string]any{
		"mode": "managed", "type": kind, "name": "it", "instances": []any{map[string]any{"attributes": attributes}},
	}}})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// answering passes all calls on to the cloud but those that mine answers itself.
func (c cloud) answering(t *testing.T, mine func(http.ResponseWriter, *http.Request) bool) cloud {
	t.Helper()
	target, err := url.Parse(c.url)
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !mine(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return cloud{server.URL}
}

// The names asked for are all those that the stack gives, of the types asked about.
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
			settings, err := config.Load(map[string]string{"ENVIRONMENT_SUFFIX": suffix, "PORTFOLIO_PROFILE": profile}, fstest.MapFS{})
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
			assert.Len(t, stack.Resource["aws_s3_bucket"], 3, "bucket names end with the account and are asked for apart")
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
			return r.Header.Get("X-Amz-Target") == "CertificateManager.DescribeCertificate" && reply(w, http.StatusOK, `{"Certificate":`+body+`}`)
		}
	}
	cases := map[string]struct {
		answer   func(http.ResponseWriter, *http.Request) bool
		want     []string // start of each line
		settings map[string]string
	}{
		"certificate that waits": {
			certificate(`{"Status":"PENDING_VALIDATION"}`),
			[]string{"certificate " + arn + ": got PENDING_VALIDATION, want an issued one in us-east-1; fix: make the DNS records"},
			map[string]string{"CERTIFICATE_ARN": arn},
		},
		"certificate that was revoked": {
			certificate(`{"Status":"REVOKED"}`),
			[]string{"certificate " + arn + ": got REVOKED, want an issued one in us-east-1; fix: set CERTIFICATE_ARN"},
			map[string]string{"CERTIFICATE_ARN": arn},
		},
		"certificate that is over": { // Status may lag behind
			certificate(`{"Status":"ISSUED","NotAfter":1767225600}`),
			[]string{"certificate " + arn + ": got one that expired 2026-01-01, want an issued one"},
			map[string]string{"CERTIFICATE_ARN": arn},
		},
		"certificate in order": {
			certificate(`{"Status":"ISSUED","NotAfter":4102444800}`), nil, map[string]string{"CERTIFICATE_ARN": arn},
		},
		"another account's bucket": {
			func(w http.ResponseWriter, r *http.Request) bool {
				return r.Method == http.MethodHead && strings.HasPrefix(r.URL.Path, "/portfolio-hist-pr7-") && reply(w, http.StatusForbidden, "")
			},
			[]string{"bucket portfolio-hist-pr7-000000000000: got somebody else's, which these credentials may not see, want the name to be free; fix: choose another ENVIRONMENT_SUFFIX"},
			nil,
		},
		"a quota of the account's own": {
			func(w http.ResponseWriter, r *http.Request) bool {
				return r.Header.Get("X-Amz-Target") == quotas && reply(w, http.StatusOK, `{"Quota":{"Value":1}}`)
			},
			[]string{
				"quota of Elastic IPs in us-east-1: got 1 (Service Quotas), of which others than this environment use 0, want 2 free; fix: release some, or `aws service-quotas request-service-quota-increase --service-code ec2 --quota-code L-0263D0A3 --desired-value 2 --region us-east-1`",
				"quota of VPCs in us-east-1: got 1 (Service Quotas), of which others than this environment use 1, want 1 free",
				"quota of internet gateways in us-east-1: got 1 (Service Quotas)",
			},
			nil,
		},
		"a quota that nobody changed": {
			func(w http.ResponseWriter, r *http.Request) bool {
				return r.Header.Get("X-Amz-Target") == quotas && reply(w, http.StatusBadRequest, `{"__type":"NoSuchResourceException"}`)
			},
			nil, nil,
		},
		"refused": {
			func(w http.ResponseWriter, r *http.Request) bool {
				return r.Header.Get("X-Amz-Target") == quotas && reply(w, http.StatusBadRequest, `{"__type":"`+refusal+`","Message":"no"}`)
			},
			[]string{
				"could not check quota of Elastic IPs: got AccessDeniedException (no), want an answer of Service Quotas GetServiceQuota; fix: allow these credentials that call",
				"could not check quota of VPCs", "could not check quota of internet gateways",
			},
			nil,
		},
		"state refused": { // nothing that depends on it is claimed
			func(w http.ResponseWriter, r *http.Request) bool {
				return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, ".tfstate") && reply(w, http.StatusForbidden, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
			},
			[]string{"could not check state pr7/portfolio-pr7.tfstate: got AccessDenied (no), want an answer of S3 GetObject; fix: allow these credentials that call"},
			nil,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) { expect(t, c.answering(t, tc.answer).run(t, tc.settings), tc.want) })
	}
}

// expect compares the start of each line.
func expect(t *testing.T, report Report, want []string) {
	t.Helper()
	var got []string
	for _, f := range report.Findings {
		got = append(got, f.String())
	}
	require.Len(t, got, len(want), "%s", strings.Join(got, "\n"))
	for i := range want {
		assert.Truef(t, strings.HasPrefix(got[i], want[i]), "finding %d = %s\nwant it to begin with %s", i, got[i], want[i])
	}
}
