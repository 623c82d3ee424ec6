package config

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"

	"portfolio/contract/setting"

	"github.com/caarlos0/env/v11"
)

// BootstrapStack is the stack of the account-level resources. Its state is in the bucket
// that it creates, next to the environments'.
const BootstrapStack = "portfolio-bootstrap"

// BootstrapFolder holds the bootstrap's states in the state bucket, where every other
// folder is an environment's.
const BootstrapFolder = "bootstrap"

// Bootstrap describes the resources of an account and a region that all of their
// environments share.
type Bootstrap struct {
	Stack  string // id, BootstrapStack in the state bucket's region
	Region string // AWS region, e.g. "eu-west-1"
	State  State  // of this stack; the bucket is its own
	// Account is true in the state bucket's region, whose stack also has the resources
	// that an account has once for all regions: bucket, identity provider, roles.
	Account bool
	// Repository is the text between "repo:" and the next colon in the subject of
	// GitHub's tokens: "owner/name", or "owner@1/name@2" since 2026-06-18.
	Repository string
	// OwnProvider is true if the stack creates the identity provider of GitHub's
	// tokens. An account has at most one, and another project may have created it.
	OwnProvider bool
	// Domain holds the names that environments may have, empty if none may.
	Domain   Domain
	Tags     map[string]string // without Environment, the tag that separates the deploy roles
	Emulator Emulator
}

// Domain is a domain and the public Route 53 zone that holds it. Environments of
// the production tier have the domain itself or any name in it; pull requests'
// environments have names in it that begin with their suffix.
type Domain struct{ Name, ZoneID string }

// bootstrapSettings are the environment variables; empty counts as unset.
type bootstrapSettings struct {
	Region      string `env:"AWS_REGION" envDefault:"us-east-1"`
	StateBucket string `env:"TERRAFORM_STATE_BUCKET" envDefault:"iac-rlhf-tf-states"`
	StateRegion string `env:"TERRAFORM_STATE_BUCKET_REGION" envDefault:"us-east-1"`
	Repository  string `env:"GITHUB_REPOSITORY"`
	Provider    string `env:"GITHUB_OIDC_PROVIDER" envDefault:"new"`
	Domain      string `env:"DOMAIN_NAME"`
	Zone        string `env:"HOSTED_ZONE_ID"`
	Endpoint    string `env:"AWS_ENDPOINT_URL"`
}

// repositoryPattern has GitHub's rules for names; the numbers behind @ are IDs that
// are never reused. No character is a wildcard to IAM.
var repositoryPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,38}(@\d+)?/[A-Za-z0-9._-]{1,100}(@\d+)?$`)

// LoadBootstrap reads a Bootstrap as Load reads a Config.
func LoadBootstrap(environ map[string]string, root fs.FS) (Bootstrap, error) {
	s, err := env.ParseAsWithOptions[bootstrapSettings](env.Options{Environment: environ})
	if err != nil {
		return Bootstrap{}, err
	}
	problems := templates(s)
	refused := len(problems)
	check := func(ok bool, path string, got any, want string) {
		if !ok {
			problems = append(problems, setting.Problem(path, fmt.Sprint(got), want))
		}
	}
	regionPath, err := overrideRegion(&s.Region, root)
	if err != nil {
		problems = append(problems, err)
	}
	b := Bootstrap{
		Stack:       BootstrapStack,
		Region:      s.Region,
		State:       State{Bucket: s.StateBucket, Region: s.StateRegion},
		Account:     s.Region == s.StateRegion,
		Repository:  s.Repository,
		OwnProvider: s.Provider == "new",
		Domain:      Domain{Name: s.Domain, ZoneID: s.Zone},
		Tags:        map[string]string{"Project": Project, "Repository": tagValue(s.Repository), "ManagedBy": "cdktf"},
		Emulator:    emulator(s.Endpoint),
	}
	if !b.Account {
		b.Stack += "-" + s.Region
	}
	b.State.Key = BootstrapFolder + "/" + b.Stack + ".tfstate"
	check(knownRegion(b.Region), regionPath, b.Region, "an AWS region such as eu-west-1")
	b.State.validate(check)
	check(repositoryPattern.MatchString(b.Repository), "GITHUB_REPOSITORY", b.Repository,
		"owner/name, or owner@id/name@id where GitHub's tokens have ids in their subject")
	check(s.Provider == "new" || s.Provider == "existing", "GITHUB_OIDC_PROVIDER", s.Provider, "new or existing")
	validateDomain(s.Domain, s.Zone, check)
	validateEndpoint(s.Endpoint, check)
	if len(problems) > 0 {
		return Bootstrap{}, errors.Join(oncePerSetting(problems, refused)...)
	}
	return b, nil
}
