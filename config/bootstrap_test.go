package config

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestLoadBootstrapRefuses(t *testing.T) {
	const wantRepository = "owner/name, or owner@id/name@id where GitHub's tokens have ids in their subject"
	with := func(name, value string) map[string]string {
		return map[string]string{"GITHUB_REPOSITORY": "octo/portfolio", name: value}
	}
	for name, c := range map[string]struct {
		environ map[string]string
		root    fstest.MapFS
		want    string
	}{
		"no repository":         {nil, nil, "GITHUB_REPOSITORY: got nothing, want " + wantRepository},
		"only a name":           {with("GITHUB_REPOSITORY", "portfolio"), nil, "GITHUB_REPOSITORY: got portfolio, want " + wantRepository},
		"any repository":        {with("GITHUB_REPOSITORY", "octo/*"), nil, "GITHUB_REPOSITORY: got octo/*, want " + wantRepository},
		"any character":         {with("GITHUB_REPOSITORY", "octo/portfoli?"), nil, "GITHUB_REPOSITORY: got octo/portfoli?, want " + wantRepository},
		"a whole subject":       {with("GITHUB_REPOSITORY", "octo/portfolio:ref"), nil, "GITHUB_REPOSITORY: got octo/portfolio:ref, want " + wantRepository},
		"an address":            {with("GITHUB_REPOSITORY", "https://github.com/octo/portfolio"), nil, "GITHUB_REPOSITORY: got https://github.com/octo/portfolio, want " + wantRepository},
		"a policy variable":     {with("GITHUB_REPOSITORY", "octo/${aws:username}"), nil, "GITHUB_REPOSITORY: got octo/${aws:username}, want " + wantTemplate},
		"an invalid id":         {with("GITHUB_REPOSITORY", "octo@x/portfolio"), nil, "GITHUB_REPOSITORY: got octo@x/portfolio, want " + wantRepository},
		"a line break":          {with("GITHUB_REPOSITORY", "octo/portfolio\n"), nil, `GITHUB_REPOSITORY: got "octo/portfolio\n", want ` + wantRepository},
		"region":                {with("AWS_REGION", "nowhere"), nil, "AWS_REGION: got nowhere, want " + wantRegion},
		"region file":           {with("AWS_REGION", "eu-west-1"), regionFile("moon-1"), "lib/AWS_REGION: got moon-1, want " + wantRegion},
		"bucket":                {with("TERRAFORM_STATE_BUCKET", "A"), nil, "TERRAFORM_STATE_BUCKET: got A, want " + wantBucket},
		"bucket's region":       {with("TERRAFORM_STATE_BUCKET_REGION", "us"), nil, "TERRAFORM_STATE_BUCKET_REGION: got us, want an AWS region such as us-east-1"},
		"neither new nor there": {with("GITHUB_OIDC_PROVIDER", "yes"), nil, "GITHUB_OIDC_PROVIDER: got yes, want new or existing"},
		"zone without domain":   {with("HOSTED_ZONE_ID", "Z0123456789ABC"), nil, "DOMAIN_NAME: got nothing, want a host name in the zone HOSTED_ZONE_ID"},
		"domain with wildcard":  {map[string]string{"GITHUB_REPOSITORY": "octo/portfolio", "DOMAIN_NAME": "*.example.com", "HOSTED_ZONE_ID": "Z0123456789ABC"}, nil, "DOMAIN_NAME: got *.example.com, want a host name of up to 64 characters such as app.example.com"},
		"endpoint":              {with("AWS_ENDPOINT_URL", "here"), nil, "AWS_ENDPOINT_URL: got here, want a URL such as http://127.0.0.1:4566"},
		"all at once": {map[string]string{"AWS_REGION": "x", "TERRAFORM_STATE_BUCKET": "A"}, nil, strings.Join([]string{
			"AWS_REGION: got x, want " + wantRegion,
			"TERRAFORM_STATE_BUCKET: got A, want " + wantBucket,
			"GITHUB_REPOSITORY: got nothing, want " + wantRepository,
		}, "\n")},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := LoadBootstrap(c.environ, c.root)
			require.EqualError(t, err, c.want)
			require.Zero(t, got)
		})
	}
}

func TestLoadBootstrapAccepts(t *testing.T) {
	want := Bootstrap{
		Stack: "portfolio-bootstrap", Region: "us-east-1", Account: true, OwnProvider: true,
		State: State{Bucket: "iac-rlhf-tf-states", Region: "us-east-1",
			Key: "bootstrap/portfolio-bootstrap.tfstate"},
		Repository: "octo/portfolio",
		Tags: map[string]string{"Project": "portfolio-tracking",
			"Repository": "octo/portfolio", "ManagedBy": "cdktf"},
	}
	for name, c := range map[string]struct {
		environ map[string]string
		change  func(b *Bootstrap)
	}{
		"a repository": {nil, func(*Bootstrap) {}},
		"one with ids": {map[string]string{"GITHUB_REPOSITORY": "octo@12/portfolio@34"}, func(b *Bootstrap) {
			b.Repository, b.Tags["Repository"] = "octo@12/portfolio@34", "octo@12/portfolio@34"
		}},
		"a provider that exists": {map[string]string{"GITHUB_OIDC_PROVIDER": "existing"}, func(b *Bootstrap) { b.OwnProvider = false }},
		"a further region": {map[string]string{"AWS_REGION": "eu-west-1"}, func(b *Bootstrap) {
			b.Stack, b.Region, b.Account = "portfolio-bootstrap-eu-west-1", "eu-west-1", false
			b.State.Key = "bootstrap/portfolio-bootstrap-eu-west-1.tfstate"
		}},
		"a domain": {map[string]string{"DOMAIN_NAME": "example.com", "HOSTED_ZONE_ID": "Z0123456789ABC"}, func(b *Bootstrap) {
			b.Domain = Domain{Name: "example.com", ZoneID: "Z0123456789ABC"}
		}},
		"another home": {map[string]string{"AWS_REGION": "eu-west-1", "TERRAFORM_STATE_BUCKET_REGION": "eu-west-1"}, func(b *Bootstrap) {
			b.Region, b.State.Region = "eu-west-1", "eu-west-1"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			environ := map[string]string{"GITHUB_REPOSITORY": "octo/portfolio"}
			for key, value := range c.environ {
				environ[key] = value
			}
			got, err := LoadBootstrap(environ, fstest.MapFS{})
			require.NoError(t, err)
			want := want
			want.Tags = map[string]string{"Project": "portfolio-tracking",
				"Repository": "octo/portfolio", "ManagedBy": "cdktf"}
			c.change(&want)
			require.Equal(t, want, got)
		})
	}
}
