package platform

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"portfolio/local/servers"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

const (
	accountID  = "000000000000" // the emulator's
	repository = "example/portfolio"
)

// Domain is the name of the account's only hosted zone. Environments may have names in it.
const Domain = "portfolio.example"

// A Workflow is what one of GitHub's workflows runs as: a role of the bootstrap, assumed
// with a token that GitHub issues for an event.
type Workflow struct {
	role     string
	event    string // the part of the token's subject after the repository
	boundary string // of the roles that it creates
}

// The workflows, by their roles and tokens.
var (
	PlansPullRequest  = Workflow{"portfolio-plan", "pull_request", "portfolio-preview-boundary"}
	PlansMain         = Workflow{"portfolio-plan", "ref:refs/heads/main", "portfolio-production-boundary"}
	DeploysPreview    = Workflow{"portfolio-deploy-preview", "environment:preview", "portfolio-preview-boundary"}
	DeploysProduction = Workflow{"portfolio-deploy-production", "environment:production",
		"portfolio-production-boundary"}
)

// previewSuffix matches what the bootstrap's policies treat as a pull request's suffix.
var previewSuffix = regexp.MustCompile(`^pr[0-9]`)

// Deploys returns the workflow that deploys an environment.
func Deploys(suffix string) Workflow {
	if previewSuffix.MatchString(suffix) {
		return DeploysPreview
	}
	return DeploysProduction
}

// foreign are the variables that would lead to other credentials or to another account.
var foreign = []string{
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_REGION",
	"AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE",
	"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
	"HTTP_PROXY", "http_proxy",
}

// native returns environ without those variables.
func native(environ map[string]string) map[string]string {
	environ = maps.Clone(environ)
	for _, name := range foreign {
		delete(environ, name)
	}
	return environ
}

func (w Workflow) boundaryARN() string {
	return "arn:aws:iam::" + accountID + ":policy/" + w.boundary
}

// As returns environ for programs that run as a workflow on this platform's AWS account, with
// the keys that configure-aws-credentials would export.
func (p *Platform) As(ctx context.Context, w Workflow, environ map[string]string) (map[string]string, error) {
	token, err := w.token()
	if err != nil {
		return nil, err
	}
	endpoint := p.emulatorURL()
	client := sts.New(sts.Options{Region: p.region, BaseEndpoint: &endpoint})
	session, err := client.AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
		RoleArn:          aws.String("arn:aws:iam::" + accountID + ":role/" + w.role),
		RoleSessionName:  aws.String("GitHubActions"),
		WebIdentityToken: &token, DurationSeconds: aws.Int32(3600),
	})
	if err != nil {
		return nil, err
	}
	environ = native(environ)
	maps.Copy(environ, map[string]string{
		"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": p.region, "PERMISSIONS_BOUNDARY_ARN": w.boundaryARN(),
		"AWS_ACCESS_KEY_ID":     *session.Credentials.AccessKeyId,
		"AWS_SECRET_ACCESS_KEY": *session.Credentials.SecretAccessKey,
		"AWS_SESSION_TOKEN":     *session.Credentials.SessionToken,
	})
	return environ, nil
}

// token returns the claims that IAM compares, as an unsigned token (RFC 7519, 6.1): the
// emulator does not check signatures.
func (w Workflow) token() (string, error) {
	claims, err := json.Marshal(map[string]string{
		"iss": "https://token.actions.githubusercontent.com", "aud": "sts.amazonaws.com",
		"sub": "repo:" + repository + ":" + w.event,
	})
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode(claims) + ".", nil
}

// bootstrap is the program that creates the account-level resources, while it runs.
type bootstrap struct {
	cmd *exec.Cmd
	out bytes.Buffer
	end chan error
}

// startBootstrap starts the bootstrap as the account's root and returns once the account
// can be deployed to. The rest takes another minute, mostly the provider's wait for a
// bucket's lifecycle rules, and ends in the background.
func (p *Platform) startBootstrap(ctx context.Context) (*bootstrap, error) {
	folder := p.local("account")
	if err := os.RemoveAll(folder); err != nil { // of an earlier platform
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(folder, "bootstrap"), 0o700); err != nil { // where it keeps its state at first
		return nil, err
	}
	zone, err := p.createZone(ctx)
	if err != nil {
		return nil, err
	}
	environ := maps.Clone(p.environ)
	maps.Copy(environ, map[string]string{
		"AWS_ACCESS_KEY_ID": rootKey, "AWS_SECRET_ACCESS_KEY": rootKey,
		"GITHUB_REPOSITORY": repository, "AWS_REGION": p.state.Region,
		"DOMAIN_NAME": Domain, "HOSTED_ZONE_ID": zone,
	})
	b := &bootstrap{cmd: command(ctx, folder, environ, "go", "run", "portfolio/bootstrap", "apply"),
		end: make(chan error, 1)}
	b.cmd.Stdout, b.cmd.Stderr = &b.out, &b.out
	if err := b.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		err := b.cmd.Wait()
		if err != nil {
			err = fmt.Errorf("bootstrap: %w\n%s", err, b.out.Bytes())
		}
		b.end <- err
	}()
	for {
		err := p.accountIsReady(ctx)
		if err == nil {
			return b, nil
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), err)
		case ended := <-b.end:
			if ended == nil {
				ended = fmt.Errorf("bootstrap: ended, but %w", err)
			}
			return nil, ended
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// createZone creates the hosted zone of Domain and returns its ID.
func (p *Platform) createZone(ctx context.Context) (string, error) {
	cfg, err := p.AWS(ctx)
	if err != nil {
		return "", err
	}
	created, err := route53.NewFromConfig(cfg).CreateHostedZone(ctx, &route53.CreateHostedZoneInput{
		Name: aws.String(Domain), CallerReference: aws.String("portfolio"),
	})
	if err != nil {
		return "", err
	}
	return strings.TrimPrefix(*created.HostedZone.Id, "/hostedzone/"), nil
}

// accountIsReady returns an error unless the bootstrap has created what a deploy needs: the
// state bucket with its settings, and the roles with all of their policies.
func (p *Platform) accountIsReady(ctx context.Context) error {
	text, err := os.ReadFile(p.local("account/.local/bootstrap/stacks/portfolio-bootstrap/cdk.tf.json"))
	if err != nil {
		return err // not synthesized yet
	}
	var stack struct {
		Resource struct {
			Roles    map[string]struct{ Name string } `json:"aws_iam_role"`
			Attached map[string]any                   `json:"aws_iam_role_policy_attachment"`
		}
	}
	if err := json.Unmarshal(text, &stack); err != nil {
		return err
	}
	cfg, err := p.AWS(ctx)
	if err != nil {
		return err
	}
	roles, attached := iam.NewFromConfig(cfg), 0
	for _, role := range stack.Resource.Roles {
		policies, err := roles.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: &role.Name})
		if err != nil {
			return err
		}
		attached += len(policies.AttachedPolicies)
	}
	if want := len(stack.Resource.Attached); attached < want {
		return fmt.Errorf("the roles have %d policies, want %d", attached, want)
	}
	return p.bucketIsReady(ctx, cfg)
}

// bucketIsReady returns an error unless the state bucket has the settings that ops preflight
// demands.
func (p *Platform) bucketIsReady(ctx context.Context, cfg aws.Config) error {
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle, o.Region = true, p.state.Region })
	versioning, err := client.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &p.state.Bucket})
	if err != nil {
		return err
	}
	if versioning.Status != types.BucketVersioningStatusEnabled {
		return errors.New("the state bucket has no versions")
	}
	_, err = client.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &p.state.Bucket})
	return err
}

// wait returns when the bootstrap has ended.
func (b *bootstrap) wait(ctx context.Context) error {
	select {
	case err := <-b.end:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// credentialsURL is where programs on an instance with this profile get the rights of its
// role, as from the metadata service of EC2.
func (p *Platform) credentialsURL(profile string) string {
	return fmt.Sprintf("http://%s:%d/v2/credentials/%s", servers.Host, p.record.Ports.Emulator, profile)
}
