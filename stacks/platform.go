// Package stacks describes the platform's infrastructure as CDKTF constructs.
// NewPlatform is its table of contents. Everything that is known at synth is a
// plain Go value; a pointer in an Outputs struct is a Terraform token.
package stacks

import (
	"portfolio/config"

	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	archive "github.com/cdktf/cdktf-provider-archive-go/archive/v10/provider"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/dataawscalleridentity"
	aws "github.com/cdktf/cdktf-provider-aws-go/aws/v19/provider"
	"github.com/hashicorp/terraform-cdk-go/cdktf"
)

// NewPlatform adds one environment of the platform to the app as a stack. Only the
// stack's id contains the suffix, so that Terraform's addresses are the same in
// every environment.
func NewPlatform(app constructs.Construct, c config.Config) cdktf.TerraformStack {
	stack := cdktf.NewTerraformStack(app, &c.Names.Stack)
	newBackend(stack, c.State, c.Emulator)
	newAWSProvider(stack, c.Region, c.Tags, c.Emulator)
	newArchiveProvider(stack)
	newRelease(stack, c)
	account := dataawscalleridentity.NewDataAwsCallerIdentity(stack, jsii.String("account"), nil).AccountId()
	keys := newKeys(stack, c, account)
	logs := LogProps{RetentionDays: c.LogRetentionDays, KeyARN: keys.Data}

	network := NewNetwork(stack, "network", NetworkProps{
		Names: c.Names, Region: c.Region, Network: c.Network, InstanceType: c.Compute.InstanceType,
		Logs: logs, Boundary: c.Boundary,
	})
	database := NewDatabase(stack, "database", DatabaseProps{
		Names: c.Names, Account: account, Network: network,
		Database: c.Database, Cache: c.Cache, Buckets: c.Buckets,
		SecretRecoveryDays: c.SecretRecoveryDays, Logs: logs, KeyARN: keys.Data, Boundary: c.Boundary,
	})
	socket := NewSocket(stack, "api", c.Names)
	compute := NewCompute(stack, "compute", ComputeProps{
		Names: c.Names, Region: c.Region, Account: account, Network: network, Database: database, Socket: socket,
		Compute: c.Compute, Certificate: c.Certificate, Cache: c.Cache, Quotes: c.Quotes,
		SignIn: c.SignIn, Buckets: c.Buckets,
		SecretRecoveryDays: c.SecretRecoveryDays, Logs: logs, KeyARN: keys.Data, Boundary: c.Boundary,
		Tags: c.FixedTags, Emulator: c.Emulator,
	})
	api := NewAPI(socket, APIProps{
		Names: c.Names, Compute: compute, API: c.API, Certificate: c.Certificate,
		Logs: logs, KeyARN: keys.Data, Boundary: c.Boundary, Emulator: c.Emulator,
	})
	monitoring := NewMonitoring(stack, "monitoring", MonitoringProps{
		Names: c.Names, Region: c.Region, Account: account,
		Network: network, Compute: compute, Database: database, API: api,
		Monitoring: c.Monitoring, MinSize: c.Compute.MinSize, Cache: c.Cache,
		AlarmEmail: c.AlarmEmail, TopicKey: keys.Alarms,
	})

	newOutputs(stack, []output{
		{"vpc-id", "ID of the VPC", network.VPCID},
		{"vpc-cidr", "CIDR block of the VPC", network.CIDR},
		{"public-subnet-ids", "IDs of the public subnets, one per zone", network.PublicSubnets},
		{"private-subnet-ids", "IDs of the private subnets, one per zone", network.Private},
		{"alb-dns-name", "DNS name of the load balancer", compute.LoadBalancerDNS},
		{"alb-arn", "ARN of the load balancer", compute.LoadBalancerARN},
		{"asg-name", "Name of the Auto Scaling group", compute.AutoScalingGroup},
		{"db-endpoint", "host:port of PostgreSQL", database.Endpoint},
		{"db-identifier", "Identifier of the RDS instance", database.Identifier},
		{"db-secret-arn", "ARN of the secret with the database's {username, password}", database.SecretARN},
		{"cache-endpoint", "host:port of Valkey; TLS and cluster mode", database.Cache.Endpoint},
		{"cache-name", "Name of the serverless cache", database.Cache.Name},
		{"s3-bucket-name", "Name of the history bucket", database.History.Name},
		{"websocket-url", "URL of the WebSocket API's stage", api.URL},
		{"websocket-api-id", "ID of the WebSocket API", api.ID},
		{"lambda-function-name", "Name of the WebSocket handler's function", api.FunctionName},
		{"dashboard-name", "Name of the CloudWatch dashboard", monitoring.DashboardName},
	})
	return stack
}

// newBackend keeps the state in S3, locked by an object next to it. All values are
// literals: Terraform reads them before it evaluates anything.
func newBackend(stack cdktf.TerraformStack, state config.State, emulator config.Emulator) {
	cdktf.NewS3Backend(stack, &cdktf.S3BackendConfig{
		Bucket:  &state.Bucket,
		Key:     &state.Key,
		Region:  &state.Region,
		Encrypt: jsii.Bool(true),
	})
	// Newer than the bindings: native locking, and the write-only arguments that
	// keep passwords out of state.
	stack.AddOverride(jsii.String("terraform.backend.s3.use_lockfile"), true)
	stack.AddOverride(jsii.String("terraform.required_version"), ">= 1.11.0")
	if emulator.PathStyleS3 {
		stack.AddOverride(jsii.String("terraform.backend.s3.use_path_style"), true)
	}
}

// newAWSProvider works in one region and tags every resource that can have tags.
func newAWSProvider(stack cdktf.TerraformStack, region string, tags map[string]string, emulator config.Emulator) {
	all := map[string]*string{}
	for key, value := range tags {
		all[key] = &value
	}
	provider := &aws.AwsProviderConfig{
		Region:      &region,
		DefaultTags: []*aws.AwsProviderDefaultTags{{Tags: &all}},
	}
	if emulator.PathStyleS3 {
		provider.S3UsePathStyle = true
	}
	aws.NewAwsProvider(stack, jsii.String("aws"), provider)
	// The bindings pin the very version they were generated from. 5.99.0 itself
	// reads every load balancer with a call that few deploy roles may make.
	stack.AddOverride(jsii.String("terraform.required_providers.aws.version"), ">= 5.99.1, < 6.0.0")
}

func newArchiveProvider(stack cdktf.TerraformStack) {
	archive.NewArchiveProvider(stack, jsii.String("archive"), nil)
	stack.AddOverride(jsii.String("terraform.required_providers.archive.version"), ">= 1.3.0, < 3.0.0")
}

// keys are the ARNs of an environment's customer-managed KMS keys.
type keys struct {
	Data   *string // of everything stored, nil for AWS-managed keys
	Alarms *string // of the alarm topic, always customer-managed
}

func newKeys(stack cdktf.TerraformStack, c config.Config, account *string) keys {
	k := keys{Alarms: newKey(stack, "alarm-key", keyProps{
		Alias:       c.Names.AlarmKeyAlias,
		Description: "Alarm topic of " + c.Names.Stack,
		Account:     account,
		Statements:  []statement{alarmsMayUseKey(account)},
	})}
	if c.CustomerKey {
		k.Data = newKey(stack, "data-key", keyProps{
			Alias:       c.Names.KeyAlias,
			Description: c.Names.DataKeyDescription(),
			Kept:        true,
			Account:     account,
			Statements:  []statement{logsMayUseKey(c.Region, account)},
		})
	}
	return k
}

// output is a Terraform output; its name is a contract with people and scripts.
type output struct {
	Name, Description string
	Value             any
}

func newOutputs(stack cdktf.TerraformStack, outputs []output) {
	for _, o := range outputs {
		cdktf.NewTerraformOutput(stack, &o.Name, &cdktf.TerraformOutputConfig{
			Value: o.Value, Description: &o.Description,
		})
	}
}
