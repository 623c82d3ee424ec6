package live

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portfolio/local/platform"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/hashicorp/terraform-exec/tfexec"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const stateBucket = "iac-rlhf-tf-states"

var stateKey = stateOf(suffix)

// outputs checks that the file that people read has every output and endpoint.
func outputs(t *testing.T, p *platform.Platform) {
	text, err := os.ReadFile(filepath.Join(at.Root, at.Folder, "outputs.json"))
	require.NoError(t, err)
	var file struct {
		Suffix    string
		Outputs   map[string]json.RawMessage
		Endpoints map[string]string
	}
	require.NoError(t, json.Unmarshal(text, &file))
	assert.Equal(t, suffix, file.Suffix)
	ports := p.Ports()
	emulator := fmt.Sprintf("http://127.0.0.1:%d", ports.Emulator)
	assert.Equal(t, emulator, file.Endpoints["aws"])
	assert.Equal(t, emulator+"/_alb/portfolio-alb-"+suffix, file.Endpoints["api"])
	assert.Equal(t, fmt.Sprintf("http://localhost:%d/_alb/portfolio-alb-%s/", ports.Emulator, suffix),
		file.Endpoints["page"])
	assert.Regexp(t, fmt.Sprintf(`^ws://[0-9a-f]+\.execute-api\.localhost:%d/prod$`, ports.Emulator),
		file.Endpoints["websocket"])
	for name, want := range map[string]string{
		"vpc-id": `"vpc-`, "vpc-cidr": `"172.32.0.0/16"`, "public-subnet-ids": `["subnet-`, "private-subnet-ids": `["subnet-`,
		"alb-dns-name": `"portfolio-alb-live`, "alb-arn": `"arn:aws:elasticloadbalancing:`, "asg-name": `"portfolio-asg-live"`,
		"db-endpoint": fmt.Sprintf(`"localhost:%d"`, ports.Postgres), "db-identifier": `"portfolio-holdings-db-live"`, "db-secret-arn": `"arn:aws:secretsmanager:`,
		"cache-endpoint": fmt.Sprintf(`"localhost:%d"`, ports.Valkey), "cache-name": `"portfolio-market-cache-live"`, "s3-bucket-name": `"portfolio-hist-live-000000000000"`,
		"websocket-url": `"ws`, "websocket-api-id": `"`, "lambda-function-name": `"portfolio-ws-handler-live"`,
		"dashboard-name": `"portfolio-tracking-metrics-live"`,
	} {
		var got bytes.Buffer
		require.NoError(t, json.Compact(&got, file.Outputs[name]), name)
		assert.True(t, strings.HasPrefix(got.String(), want), "output %s = %s, want %s…", name, &got, want)
	}
	assert.Len(t, file.Outputs, 17)
}

// state checks that there is one object, at the key of the state: no lock is left.
func state(t *testing.T, p *platform.Platform) {
	client := pathStyleS3(t, p)
	list, err := client.ListObjectsV2(t.Context(),
		&s3.ListObjectsV2Input{Bucket: aws.String(stateBucket), Prefix: aws.String(suffix + "/")})
	require.NoError(t, err)
	require.Len(t, list.Contents, 1)
	assert.Equal(t, stateKey, *list.Contents[0].Key)
}

// noPassword searches everything that Terraform and the platform have written for the
// secrets in Secrets Manager.
func noPassword(t *testing.T, p *platform.Platform, plan plan) {
	owner, service := roleIn(t, p, databaseOf(suffix)+"-"), roleIn(t, p, databaseOf(suffix)+"/service-")
	require.Len(t, owner.Password, 32)
	require.Len(t, service.Password, 32)
	require.NotEqual(t, owner, service)
	secrets := map[string][]byte{
		"master password":  []byte(owner.Password),
		"service password": []byte(service.Password),
		"signing key":      secretText(t, p, "portfolio-signing-key-"+suffix),
	}
	none := func(where string, text []byte) {
		for name, secret := range secrets {
			assert.False(t, bytes.Contains(text, secret), "the %s is in %s", name, where)
		}
	}
	none("the plan file", readFile(t, plan.file))
	none("terraform show -json of the plan", marshal(t, plan.Plan))
	tf, err := p.Terraform(t.Context())
	require.NoError(t, err)
	current, err := tf.Show(t.Context())
	require.NoError(t, err)
	none("terraform show -json of the state", marshal(t, current))
	none("every version of the state", stateVersions(t, p))

	// Logs, outputs, the synthesized stack and what Terraform keeps next to it.
	require.NoError(t, filepath.WalkDir(filepath.Join(at.Root, at.Folder), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && entry.Name() == "providers" {
			return fs.SkipDir // hundreds of megabytes, not written here
		}
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		none(path, text)
		return err
	}))
}

// role is a role of the database.
type role struct{ Username, Password string }

// roleIn returns the role in the only secret whose name begins with prefix.
func roleIn(t *testing.T, p *platform.Platform, prefix string) (r role) {
	t.Helper()
	require.NoError(t, json.Unmarshal(secretText(t, p, prefix), &r))
	return r
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return text
}

// stateVersions returns all versions of the state, one after the other.
func stateVersions(t *testing.T, p *platform.Platform) []byte {
	t.Helper()
	client := pathStyleS3(t, p)
	list, err := client.ListObjectVersions(t.Context(),
		&s3.ListObjectVersionsInput{Bucket: aws.String(stateBucket), Prefix: aws.String(stateKey)})
	require.NoError(t, err)
	require.NotEmpty(t, list.Versions)
	var all bytes.Buffer
	for _, version := range list.Versions {
		object, err := client.GetObject(t.Context(),
			&s3.GetObjectInput{Bucket: aws.String(stateBucket), Key: version.Key, VersionId: version.VersionId})
		require.NoError(t, err)
		_, err = io.Copy(&all, object.Body)
		require.NoError(t, err)
		require.NoError(t, object.Body.Close())
	}
	return all.Bytes()
}

// destroy leaves no resource with the suffix in its name, and an empty state.
func destroy(t *testing.T, p *platform.Platform) {
	tf, err := p.Terraform(t.Context())
	require.NoError(t, err)
	emptyHistory(t, p)
	require.NoError(t, tf.Destroy(t.Context(), tfexec.Parallelism(32)))
	assert.Empty(t, leftovers(t, p, suffix))
	current, err := tf.Show(t.Context())
	require.NoError(t, err)
	assert.Nil(t, current.Values)
}

// emptyHistory removes all versions of what the service has stored about past days: in the
// standard profile destroy stops at a bucket that is not empty.
func emptyHistory(t *testing.T, p *platform.Platform) {
	t.Helper()
	bucket, err := p.Output("s3-bucket-name")
	require.NoError(t, err)
	client := pathStyleS3(t, p)
	kept := 0
	for pages := s3.NewListObjectVersionsPaginator(client, &s3.ListObjectVersionsInput{Bucket: &bucket}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, v := range page.Versions {
			kept++
			_, err := client.DeleteObject(t.Context(),
				&s3.DeleteObjectInput{Bucket: &bucket, Key: v.Key, VersionId: v.VersionId})
			require.NoError(t, err)
		}
	}
	assert.NotZero(t, kept, "the service stores past days")
}

func pathStyleS3(t *testing.T, p *platform.Platform) *s3.Client {
	t.Helper()
	return s3.NewFromConfig(sdk(t, p), func(o *s3.Options) { o.UsePathStyle = true })
}
