package preflight

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// resource is one managed resource of a planted state.
type resource struct {
	kind       string
	attributes map[string]any
}

const (
	stateKey      = "pr7/portfolio-pr7.tfstate"
	customerKey   = "arn:aws:kms:us-east-1:000000000000:key/customer"
	awsManagedKey = "arn:aws:kms:us-east-1:000000000000:key/managed"
)

// released is what a deploy records about itself.
func released(profile, region string) resource {
	return resource{"terraform_data", map[string]any{"input": map[string]any{
		"type": []any{"object"}, "value": map[string]any{"profile": profile, "region": region},
	}}}
}

func database(identifier, key string) resource {
	return resource{"aws_db_instance", map[string]any{"identifier": identifier, "kms_key_id": key}}
}

func cacheWith(name string, key any) resource {
	return resource{"aws_elasticache_serverless_cache", map[string]any{"name": name, "kms_key_id": key}}
}

// recorded plants a state and returns settings for it.
func recorded(settings []string, resources ...resource) func(*testing.T, cloud) (func(), map[string]string) {
	return func(t *testing.T, c cloud) (func(), map[string]string) {
		_, environ := set(settings...)(t, c)
		return c.put(t, stateKey, stateOfAll(resources...)), environ
	}
}

// recordedFaults are settings that do not fit the environment's state.
func recordedFaults() []planted {
	const (
		db, cache   = "portfolio-holdings-db-pr7", "portfolio-market-cache-pr7"
		certificate = "arn:aws:acm:us-east-1:000000000000:certificate/00000000-1111-2222-3333-444444444444"
		move        = ", or create another environment and move the data (docs/operations.md)"
	)
	production := []string{"PORTFOLIO_PROFILE", "production", "CERTIFICATE_ARN", certificate}
	return []planted{
		{
			"another region by ARN", recorded([]string{"AWS_REGION", "eu-west-1"}, resource{"aws_vpc", map[string]any{"arn": "arn:aws:ec2:us-east-1:000000000000:vpc/vpc-1"}}),
			[]string{"region of " + stateKey + ": got AWS_REGION eu-west-1, want us-east-1, where the resources of this state are; fix: set AWS_REGION=us-east-1 (lib/AWS_REGION takes precedence), or choose another ENVIRONMENT_SUFFIX for eu-west-1"},
		},
		{
			"another region by release", recorded(nil, released("standard", "eu-west-1")),
			[]string{"region of " + stateKey + ": got AWS_REGION us-east-1, want eu-west-1"},
		},
		{
			"preview becomes production", recorded(production, released("preview", "us-east-1"), database(db, awsManagedKey), cacheWith(cache, nil)),
			[]string{
				"database " + db + ": got the key of profile production, which would replace it, want its own, a key that AWS manages; fix: set PORTFOLIO_PROFILE=preview" + move,
				"cache " + cache + ": got the key of profile production, which would replace it",
				"certificate " + certificate + ": got none",
			},
		},
		{
			"production becomes standard", recorded(nil, released("production", "us-east-1"), database(db, customerKey),
				cacheWith(cache, customerKey), resource{"aws_kms_key", map[string]any{"arn": customerKey}}),
			[]string{
				"database " + db + ": got the key of profile standard, which would replace it, want its own, a customer-managed key; fix: set PORTFOLIO_PROFILE=production" + move,
				"cache " + cache + ": got the key of profile standard",
			},
		},
		{
			"a key removed from the state", recorded(production, released("production", "us-east-1"), database(db, customerKey)),
			[]string{
				"database " + db + ": got the key of profile production, which would replace it, want its own, a key that AWS manages; fix: deploy with",
				"certificate " + certificate + ": got none",
			},
		},
		{
			"another environment's state", recorded(nil, database("portfolio-holdings-db-pr8", awsManagedKey), cacheWith("portfolio-market-cache-pr8", nil)),
			[]string{
				"state " + stateKey + ": got database portfolio-holdings-db-pr8, want " + db +
					": another name would replace it; fix: set the ENVIRONMENT_SUFFIX",
				"state " + stateKey + ": got cache portfolio-market-cache-pr8, want " + cache,
			},
		},
	}
}

// Changes that AWS makes in place are not refused.
func TestFittingSettings(t *testing.T) {
	c := newCloud(t)
	const db = "portfolio-holdings-db-pr7"
	for name, resources := range map[string][]resource{
		"preview becomes standard":  {released("preview", "us-east-1"), database(db, awsManagedKey), cacheWith("portfolio-market-cache-pr7", nil)},
		"before the first database": {released("preview", "us-east-1"), {"aws_vpc", map[string]any{"arn": "arn:aws:ec2:us-east-1:000000000000:vpc/vpc-1"}}},
		"global resources":          {{"aws_iam_role", map[string]any{"arn": "arn:aws:iam::000000000000:role/x"}}, {"aws_s3_bucket", map[string]any{"arn": "arn:aws:s3:::x"}}},
		"a replica to remove":       {{"aws_db_instance", map[string]any{"identifier": "portfolio-holdings-db-replica-pr7", "replicate_source_db": db}}},
		"nothing is left":           {},
	} {
		t.Run(name, func(t *testing.T) {
			defer c.put(t, stateKey, stateOfAll(resources...))()
			assert.Empty(t, c.run(t, nil).Findings)
		})
	}
}
