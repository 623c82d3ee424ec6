package stacks

import (
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/elasticacheserverlesscache"
	"github.com/hashicorp/terraform-cdk-go/cdktf"
)

// ElastiCache Serverless listens on two ports, always with TLS in cluster mode.
const (
	cachePort     = 6379
	cacheReadPort = 6380 // reads that may be slightly stale
)

// CacheOutputs is what other tiers may use; pointers are Terraform tokens.
type CacheOutputs struct {
	Name     *string
	Endpoint *string // host:port
	Ready    cdktf.ITerraformDependable
}

// newCache creates Valkey on ElastiCache Serverless in the private subnets.
func newCache(scope constructs.Construct, p DatabaseProps) CacheOutputs {
	id := "cache"
	scope = constructs.NewConstruct(scope, &id)
	group := newSecurityGroup(scope, "security-group", p.Names.CacheSecurityGroup, "Market cache", p.Network)
	allowIn(scope, "valkey", group, rule{Description: "Valkey from the VPC", From: cachePort,
		To: cacheReadPort, CIDR: p.Network.CIDR})
	cache := elasticacheserverlesscache.NewElasticacheServerlessCache(scope, jsii.String("valkey"),
		&elasticacheserverlesscache.ElasticacheServerlessCacheConfig{
			Name:               &p.Names.Cache,
			Description:        jsii.String("Market quotes"), // the API's default is a blank, which plans as a change
			Engine:             jsii.String("valkey"),
			MajorEngineVersion: &p.Cache.MajorEngineVersion,
			CacheUsageLimits: []*elasticacheserverlesscache.ElasticacheServerlessCacheCacheUsageLimits{{
				DataStorage: []*elasticacheserverlesscache.ElasticacheServerlessCacheCacheUsageLimitsDataStorage{{
					Maximum: jsii.Number(p.Cache.StorageGB), Unit: jsii.String("GB"),
				}},
				EcpuPerSecond: []*elasticacheserverlesscache.ElasticacheServerlessCacheCacheUsageLimitsEcpuPerSecond{{
					Maximum: jsii.Number(p.Cache.ECPUPerSecond),
				}},
			}},
			DailySnapshotTime:      jsii.String("03:00"), // UTC
			SnapshotRetentionLimit: jsii.Number(p.Cache.SnapshotDays),
			KmsKeyId:               p.KeyARN,
			SubnetIds:              &p.Network.Private,
			SecurityGroupIds:       &[]*string{group},
		})
	endpoint := cache.Endpoint().Get(jsii.Number(0))
	return CacheOutputs{
		Name:     cache.Name(),
		Endpoint: jsii.Sprintf("%s:%s", *endpoint.Address(), *cdktf.Token_AsString(endpoint.Port(), nil)),
		Ready:    cache,
	}
}
