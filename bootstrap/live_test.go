package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"portfolio/local/servers"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
)

const stateKey = "bootstrap/portfolio-bootstrap.tfstate"

// site is the built program in an empty folder, with its own emulator.
type site struct {
	program, folder, endpoint string
	environ                   []string
	s3                        *s3.Client
}

// newSite returns a site with an account that has not been used.
func newSite(t *testing.T, program, endpoint, account string) site {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(folder, "bootstrap"), 0o755))
	rc, err := filepath.Abs("../build/terraform/terraform.rc")
	require.NoError(t, err)
	s := site{program: program, folder: folder, endpoint: endpoint, environ: []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "GOGC=" + os.Getenv("GOGC"),
		"TMPDIR=" + t.TempDir(), "CHECKPOINT_DISABLE=1",
		"AWS_ENDPOINT_URL=" + endpoint, "AWS_ACCESS_KEY_ID=" + account, "AWS_SECRET_ACCESS_KEY=test",
		"GITHUB_REPOSITORY=octo/portfolio", "TERRAFORM_STATE_BUCKET=octo-states-" + account,
	}}
	if _, err := os.Stat(rc); err == nil {
		s.environ = append(s.environ, "TF_CLI_CONFIG_FILE="+rc)
	} else if own := os.Getenv("TF_CLI_CONFIG_FILE"); own != "" {
		s.environ = append(s.environ, "TF_CLI_CONFIG_FILE="+own)
	}
	s.s3 = s3.New(s3.Options{
		BaseEndpoint: &endpoint, Region: "us-east-1", UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(account, "test", ""),
	})
	return s
}

// start starts the program; its output is complete once it has ended.
func (s site) start(t *testing.T, out io.Writer, args []string, settings ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(s.program, args...)
	cmd.Dir, cmd.Env = s.folder, slices.Concat(s.environ, settings)
	cmd.Stdout, cmd.Stderr = out, out
	require.NoError(t, cmd.Start())
	return cmd
}

// run runs the program and returns its exit status and what it printed.
func (s site) run(t *testing.T, args []string, settings ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	cmd := s.start(t, &out, args, settings...)
	if err := cmd.Wait(); err != nil {
		require.IsType(t, &exec.ExitError{}, err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

func (s site) local(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.folder, localState))
	if err != nil {
		require.ErrorIs(t, err, os.ErrNotExist)
	}
	return string(text)
}

// remote returns an object of the site's bucket, or "" if it does not exist.
func (s site) remote(bucket, key string) string {
	object, err := s.s3.GetObject(context.Background(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return ""
	}
	defer object.Body.Close()
	text, err := io.ReadAll(object.Body)
	if err != nil {
		return ""
	}
	return string(text)
}

// startEmulator starts one on a free port and returns its address.
func startEmulator(t *testing.T) string {
	t.Helper()
	e, err := servers.StartEmulator(t.Context(), servers.EmulatorConfig{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Stop()) })
	return e.URL
}

func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	return program
}

// TestApply creates everything with the real Terraform and its real provider, in an account
// that has nothing and in one that has a bucket, at the same time: the provider waits for
// most of it.
func TestApply(t *testing.T) {
	t.Parallel()
	program, endpoint := build(t), startEmulator(t)
	t.Run("a new account", func(t *testing.T) {
		t.Parallel()
		creates(t, newSite(t, program, endpoint, "111111111111"))
	})
	t.Run("an existing bucket", func(t *testing.T) {
		t.Parallel()
		adopts(t, newSite(t, program, endpoint, "222222222222"))
	})
}

// creates applies again and again. Each step continues from the one before, as a user's
// runs do.
func creates(t *testing.T, s site) {
	bucket, apply := "octo-states-111111111111", []string{"apply"}

	t.Run("interrupted", func(t *testing.T) {
		var out bytes.Buffer
		cmd := s.start(t, &out, apply)
		require.Eventually(t, func() bool {
			return strings.Contains(s.local(t), `"aws_s3_bucket"`)
		}, 5*time.Minute, 20*time.Millisecond, "the local state has no bucket")
		require.NoError(t, cmd.Process.Signal(os.Interrupt))
		require.Error(t, cmd.Wait(), out.String())
		require.Equal(t, exitFailed, cmd.ProcessState.ExitCode(), out.String())
		require.NotEmpty(t, s.local(t), "the only record of what was created")
		require.Empty(t, s.remote(bucket, stateKey))
	})
	t.Run("finished by the next run", func(t *testing.T) {
		status, out := s.run(t, apply)
		require.Zero(t, status, out)
		require.Empty(t, s.local(t))
		require.Contains(t, s.remote(bucket, stateKey), `"aws_iam_openid_connect_provider"`)
		for _, want := range []string{
			"TERRAFORM_STATE_BUCKET=" + bucket, "AWS_PLAN_ROLE_ARN=arn:aws:iam::111111111111:role/portfolio-plan\n",
			"AWS_DEPLOY_ROLE_ARN=arn:aws:iam::111111111111:role/portfolio-deploy-preview\n",
			"AWS_DEPLOY_ROLE_ARN=arn:aws:iam::111111111111:role/portfolio-deploy-production\n",
			"PREVIEW_BOUNDARY_ARN=arn:aws:iam::111111111111:policy/portfolio-preview-boundary\n",
		} {
			require.Contains(t, out, want)
		}
	})
	done := s.remote(bucket, stateKey)
	t.Run("again, nothing to do", func(t *testing.T) {
		status, out := s.run(t, apply)
		require.Zero(t, status, out)
		require.Contains(t, out, "0 added, 0 changed, 0 destroyed")
	})
	t.Run("interrupted after the copy", func(t *testing.T) {
		require.NoError(t, os.WriteFile(filepath.Join(s.folder, localState), []byte(done), 0o600))
		status, out := s.run(t, apply)
		require.Zero(t, status, out)
		require.Contains(t, out, "0 added, 0 changed, 0 destroyed")
		require.Empty(t, s.local(t))
	})
	t.Run("another region", func(t *testing.T) {
		status, out := s.run(t, apply, "AWS_REGION=eu-west-1")
		require.Zero(t, status, out)
		require.Contains(t, s.remote(bucket, "bootstrap/portfolio-bootstrap-eu-west-1.tfstate"),
			"portfolio-api-logs-eu-west-1")
		require.Contains(t, out, "API_ACCESS_LOGS=on now works in eu-west-1")
	})
}

// adopts refuses a bucket that exists and uses it with --adopt, in an account that
// has used RDS before.
func adopts(t *testing.T, s site) {
	bucket, key := "octo-states-222222222222", "dev/portfolio-dev.tfstate"
	used := iam.New(iam.Options{BaseEndpoint: &s.endpoint, Region: "us-east-1",
		Credentials: s.s3.Options().Credentials})
	_, err := used.CreateServiceLinkedRole(t.Context(),
		&iam.CreateServiceLinkedRoleInput{AWSServiceName: aws.String("rds.amazonaws.com")})
	require.NoError(t, err)
	_, err = s.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket})
	require.NoError(t, err)
	_, err = s.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key,
		Body: strings.NewReader("an environment's")})
	require.NoError(t, err)

	status, out := s.run(t, []string{"apply"})
	require.Equal(t, exitBadInput, status, out)
	require.Equal(t, "TERRAFORM_STATE_BUCKET: got "+bucket+", which exists and does not hold the bootstrap's state, want another name, "+
		"or ADOPT=1 if it is yours: its policy and lifecycle are replaced, its objects stay\n", out)
	require.Empty(t, s.local(t))

	status, out = s.run(t, []string{"apply", "--adopt"})
	require.Zero(t, status, out)
	require.Contains(t, out, "importing aws_iam_service_linked_role.")
	require.Equal(t, "an environment's", s.remote(bucket, key))
	versioning, err := s.s3.GetBucketVersioning(t.Context(), &s3.GetBucketVersioningInput{Bucket: &bucket})
	require.NoError(t, err)
	require.EqualValues(t, "Enabled", versioning.Status)
	require.Contains(t, s.remote(bucket, stateKey), `"aws_iam_openid_connect_provider"`)
}
