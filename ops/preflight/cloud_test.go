package preflight

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
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

// emulator is shared by all tests, which leave its account as they found it. The first
// test that needs it starts it.
var emulator *servers.Emulator

func TestMain(m *testing.M) {
	status := m.Run()
	if emulator != nil {
		if err := emulator.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			status = 1
		}
	}
	os.Exit(status)
}

// newCloud creates the state bucket and checks that a test begins without findings.
func newCloud(t *testing.T) cloud {
	t.Helper()
	if emulator == nil { // tests run one after the other
		started, err := servers.StartEmulator(t.Context(), servers.EmulatorConfig{})
		require.NoError(t, err)
		emulator = started
	}
	c := cloud{emulator.URL}
	_, err := c.s3().CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(stateBucket)})
	require.NoError(t, err)
	c.version(t, s3types.BucketVersioningStatusEnabled)
	c.block(t, true)
	c.clean(t)
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
			BlockPublicAcls: aws.Bool(true), BlockPublicPolicy: aws.Bool(policies), IgnorePublicAcls: aws.Bool(true),
			RestrictPublicBuckets: aws.Bool(true),
		},
	})
	require.NoError(t, err)
}

// put writes an object into the state bucket; undo removes it.
func (c cloud) put(t *testing.T, key, body string) (undo func()) {
	t.Helper()
	_, err := c.s3().PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(stateBucket), Key: &key,
		Body: strings.NewReader(body)})
	require.NoError(t, err)
	return func() {
		_, err := c.s3().DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(stateBucket), Key: &key})
		require.NoError(t, err)
	}
}

// run is a preflight of the environment "pr7" with some settings changed.
func (c cloud) run(t *testing.T, more map[string]string) Report {
	t.Helper()
	environ := map[string]string{"ENVIRONMENT_SUFFIX": "pr7", "TERRAFORM_STATE_BUCKET": stateBucket,
		"AWS_ENDPOINT_URL": c.url}
	for name, value := range more {
		environ[name] = value
	}
	settings, err := config.Load(environ, fstest.MapFS{})
	require.NoError(t, err)
	return Run(t.Context(), settings, c.aws(settings.Region), c.aws(settings.State.Region))
}

// clean checks that preflight finds nothing.
func (c cloud) clean(t *testing.T) {
	t.Helper()
	report := c.run(t, nil)
	assert.Empty(t, report.Findings)
	assert.Equal(t, account, report.Account)
}

// stateOf is a state with one instance of a resource.
func stateOf(kind string, attributes map[string]any) string {
	return stateOfAll(resource{kind, attributes})
}

func stateOfAll(resources ...resource) string {
	var all []any
	for _, r := range resources {
		all = append(all, map[string]any{
			"mode": "managed", "type": r.kind, "name": "it", "instances": []any{map[string]any{"attributes": r.attributes}},
		})
	}
	text, err := json.Marshal(map[string]any{"version": 4, "resources": all})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// answering returns a cloud that passes on every call that mine does not answer.
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

// expect compares the start of each line.
func expect(t *testing.T, report Report, want []string) {
	t.Helper()
	var got []string
	for _, f := range report.Findings {
		got = append(got, f.String())
	}
	require.Len(t, got, len(want), "%s", strings.Join(got, "\n"))
	for i := range want {
		assert.Truef(t, strings.HasPrefix(got[i], want[i]),
			"finding %d = %s\nwant it to begin with %s", i, got[i], want[i])
	}
}
