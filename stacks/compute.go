package stacks

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"portfolio/config"
	"portfolio/contract/setting"

	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/dataawsssmparameter"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/dataawsssmparametersbypath"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/launchtemplate"
	"github.com/hashicorp/terraform-cdk-go/cdktf"
)

// ComputeProps configures the load balancer and the instances behind it.
type ComputeProps struct {
	Names              config.Names
	Region             string
	Account            *string
	Network            NetworkOutputs
	Database           DatabaseOutputs
	Socket             Socket // the page connects to
	Compute            config.Compute
	Certificate        config.Certificate
	Quotes             config.Quotes
	SignIn             setting.SignIn // at an identity provider; the zero value for none
	Cache              config.Cache   // how long the service keeps a quote
	Buckets            config.Buckets
	SecretRecoveryDays int // 0 or 7–30
	Logs               LogProps
	KeyARN             *string           // customer-managed KMS key, nil for AWS-managed ones
	Boundary           string            // as in newRole
	Tags               map[string]string // of what the group launches, which default tags do not reach
	Emulator           config.Emulator
}

// ComputeOutputs is what other tiers may use; pointers are Terraform tokens.
type ComputeOutputs struct {
	LoadBalancerDNS       *string
	LoadBalancerARN       *string
	LoadBalancerARNSuffix *string // as metrics name it
	TargetGroupARNSuffix  *string // as metrics name it
	AutoScalingGroup      *string // name
	InstanceRole          *string // name of the role that instances run as
	SigningSecretARN      *string // Secrets Manager, the key that signs calls to the service
}

// amiParameters are the public SSM parameters of the newest image of a release, all
// below one path.
const amiParametersPath = "/aws/service/ami-amazon-linux-latest"

var amiParameters = map[config.AmazonLinux]string{
	config.AmazonLinux2:    amiParametersPath + "/amzn2-ami-hvm-x86_64-gp2",
	config.AmazonLinux2023: amiParametersPath + "/al2023-ami-kernel-default-x86_64",
}

// imageRelease is raised to move instances to the newest image of their release.
const imageRelease = 1

// NewCompute creates the load balancer and an Auto Scaling group whose instances run
// the service. Only the load balancer can reach the instances.
func NewCompute(scope constructs.Construct, id string, p ComputeProps) ComputeOutputs {
	scope = constructs.NewConstruct(scope, &id)
	balancer := newLoadBalancer(scope, p, p.Database.Logs)
	instances := newSecurityGroup(scope, "security-group", p.Names.InstanceSecurityGroup,
		"Service instances", p.Network)
	openInstancePorts(scope, p, instances, balancer.SecurityGroup)

	signing := newSecret(scope, "signing-key", "signing", secretProps{
		NamePrefix:   p.Names.SigningSecret,
		Description:  "Signs the WebSocket handler's calls to the service",
		KeyARN:       p.KeyARN,
		RecoveryDays: p.SecretRecoveryDays,
		Version:      signingKeyVersion,
		Value:        func(password string) string { return "${" + password + "}" },
	})
	logs := newLogGroup(scope, "service-log-group", serviceLogGroup(p.Names), p.Logs)
	binary := newArtifact(scope, p)
	role := newInstanceRole(scope, p, instanceRights{SigningSecret: signing.SecretId(), Artifact: binary})

	template := newLaunchTemplate(scope, p, instances, role.Profile, UserData{
		Region:         p.Region,
		ArtifactBucket: *binary.Bucket.Name,
		ArtifactKey:    *binary.Key,
		ArtifactSHA256: *binary.SHA256,
		LogGroup:       *logs.Name(),
		Environment:    serviceEnvironment(p, signing.SecretId()),
	})
	// User data runs once, so everything that an instance needs must exist before it.
	boot := slices.Concat(p.Network.Egress, p.Database.Ready, role.Ready,
		[]cdktf.ITerraformDependable{signing, logs, binary.Object, balancer.Forwarding})
	group := newAutoScalingGroup(scope, p, template, balancer, boot)
	newScaling(scope, p, group, balancer)
	return ComputeOutputs{
		LoadBalancerDNS:       balancer.DNSName,
		LoadBalancerARN:       balancer.ARN,
		LoadBalancerARNSuffix: balancer.ARNSuffix,
		TargetGroupARNSuffix:  balancer.TargetGroup.ArnSuffix(),
		AutoScalingGroup:      group.Name(),
		InstanceRole:          role.Name,
		SigningSecretARN:      signing.SecretId(),
	}
}

func openInstancePorts(scope constructs.Construct, p ComputeProps, instances, balancer *string) {
	allowOut(scope, "service", balancer, rule{Description: "HTTP to the service", From: httpPort, Group: instances})
	allowIn(scope, "service", instances, rule{Description: "HTTP from the load balancer",
		From: httpPort, Group: balancer})
	allowOut(scope, "https", instances, rule{Description: "HTTPS to AWS and package repositories",
		From: httpsPort, CIDR: internet})
	allowOut(scope, "postgres", instances, rule{Description: "PostgreSQL in the VPC",
		From: databasePort, CIDR: p.Network.CIDR})
	allowOut(scope, "valkey", instances, rule{Description: "Valkey in the VPC", From: cachePort,
		To: cacheReadPort, CIDR: p.Network.CIDR})
}

// serviceEnvironment is the service's configuration; secrets are passed by ARN.
func serviceEnvironment(p ComputeProps, signingSecret *string) []EnvVar {
	environment := []EnvVar{
		{"ENVIRONMENT_SUFFIX", p.Names.Suffix},
		{"AWS_REGION", p.Region},
		{"DB_HOST", *p.Database.Address},
		{"DB_PORT", strconv.Itoa(databasePort)},
		{"DB_NAME", databaseName},
		{"DB_SECRET_ARN", *p.Database.ServiceSecretARN},
		{"DB_OWNER_SECRET_ARN", *p.Database.SecretARN},
		{"CACHE_ENDPOINT", *p.Database.Cache.Endpoint},
		{"HISTORY_BUCKET", *p.Database.History.Name},
		{"SIGNING_SECRET_ARN", *signingSecret},
		{"WEBSOCKET_URL", *p.Socket.URL},
		{"QUOTE_TTL", p.Cache.QuoteTTL.String()},
		{"BALANCER_NETWORK", p.Network.CIDR},
		{"QUOTE_SOURCES", sourceList(p.Quotes.Sources)},
		{"QUOTE_INTERVAL", p.Quotes.Interval.String()},
	}
	if len(p.Quotes.Streams) > 0 {
		environment = append(environment, EnvVar{"QUOTE_STREAMS", sourceList(p.Quotes.Streams)})
	}
	if p.Quotes.SecretARN != "" {
		environment = append(environment, EnvVar{"QUOTE_SOURCE_SECRET_ARN", p.Quotes.SecretARN})
	}
	for _, v := range []EnvVar{
		{"OIDC_ISSUER", p.SignIn.Issuer}, {"OIDC_CLIENT_ID", p.SignIn.ClientID},
		{"OIDC_CLIENT_SECRET_ARN", p.SignIn.SecretARN}, {"OIDC_OWNERS", p.SignIn.Owners},
	} {
		if v.Value != "" {
			environment = append(environment, v)
		}
	}
	return environment
}

// sourceList is a value of QUOTE_SOURCES.
func sourceList(names []string) string {
	if len(names) == 0 {
		return setting.NoSources
	}
	return strings.Join(names, ",")
}

func newLaunchTemplate(scope constructs.Construct, p ComputeProps, group, profile *string,
	boot UserData) launchtemplate.LaunchTemplate {
	tags := launchTags(p)
	var specifications []*launchtemplate.LaunchTemplateTagSpecifications
	for _, kind := range []string{"instance", "volume", "network-interface"} {
		specifications = append(specifications, &launchtemplate.LaunchTemplateTagSpecifications{
			ResourceType: &kind, Tags: tags,
		})
	}
	return launchtemplate.NewLaunchTemplate(scope, jsii.String("launch-template"), &launchtemplate.LaunchTemplateConfig{
		Name:                 &p.Names.LaunchTemplate,
		ImageId:              newImage(scope, p.Compute.AmazonLinux),
		InstanceType:         &p.Compute.InstanceType,
		UpdateDefaultVersion: true,
		UserData:             cdktf.Fn_Base64encode(quoted(boot.Render())),
		VpcSecurityGroupIds:  &[]*string{group},
		IamInstanceProfile:   &launchtemplate.LaunchTemplateIamInstanceProfile{Arn: profile},
		MetadataOptions: &launchtemplate.LaunchTemplateMetadataOptions{
			HttpEndpoint: jsii.String("enabled"), HttpTokens: jsii.String("required"),
			HttpPutResponseHopLimit: jsii.Number(1),
		},
		BlockDeviceMappings: []*launchtemplate.LaunchTemplateBlockDeviceMappings{{
			DeviceName: jsii.String("/dev/xvda"), // the root of Amazon Linux; another name would add a volume
			Ebs: &launchtemplate.LaunchTemplateBlockDeviceMappingsEbs{
				// With aws/ebs in every profile: a customer-managed key needs a grant for
				// Auto Scaling's service-linked role.
				Encrypted:           jsii.String("true"),
				VolumeType:          jsii.String("gp3"),
				VolumeSize:          jsii.Number(p.Compute.RootVolumeGiB),
				DeleteOnTermination: jsii.String("true"),
			},
		}},
		Monitoring:        &launchtemplate.LaunchTemplateMonitoring{Enabled: true},
		TagSpecifications: specifications,
		Tags:              nameTag(p.Names.LaunchTemplate),
	})
}

// quoted escapes text for a string in a Terraform expression. Unlike Fn_RawString it
// keeps the tokens in it.
func quoted(text string) *string {
	return jsii.String(strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text))
}

// newImage returns the ID of an image that stays until imageRelease or the operating
// system changes. Amazon changes the public parameter with every release; following
// it would replace the fleet on any unrelated apply. A parameter that Amazon has
// withdrawn is not read, so that instances with an older image can still be deployed;
// what needs a new image then fails when it is planned.
func newImage(scope constructs.Construct, system config.AmazonLinux) *string {
	offered := dataawsssmparametersbypath.NewDataAwsSsmParametersByPath(scope, jsii.String("offered-images"),
		&dataawsssmparametersbypath.DataAwsSsmParametersByPathConfig{
			Path: jsii.String(amiParametersPath),
		})
	newest := dataawsssmparameter.NewDataAwsSsmParameter(scope, jsii.String("newest-image"),
		&dataawsssmparameter.DataAwsSsmParameterConfig{
			Name: jsii.String(amiParameters[system]),
		})
	newest.AddOverride(jsii.String("count"), fmt.Sprintf("${contains(%s.names, %q) ? 1 : 0}",
		dataAddress(offered), amiParameters[system]))
	// The insecure value: an image's ID is not secret, and plans show its change.
	id := fmt.Sprintf("${one(%s[*].insecure_value)}", dataAddress(newest))
	image := newTerraformData(scope, "image", map[string]any{"id": id},
		&cdktf.TerraformResourceLifecycle{
			IgnoreChanges: jsii.Strings("input"),
			Postcondition: &[]*cdktf.Postcondition{{
				Condition: jsii.String("${self.input.id != null}"),
				ErrorMessage: jsii.String(fmt.Sprintf("image of the instances: got no public parameter %s, "+
					"want one that Amazon still publishes: set AMAZON_LINUX=%s, or change amiParameters in "+
					"stacks/compute.go.", amiParameters[system], config.AmazonLinux2023)),
			}},
		})
	image.AddOverride(jsii.String("triggers_replace"),
		map[string]any{"release": imageRelease, "system": string(system)})
	return cdktf.Token_AsString(image.GetStringAttribute(jsii.String("output.id")), nil)
}

// launchTags are the tags of instances, volumes and network interfaces. They hold
// nothing that differs between two deploys, such as the commit's author: a changed
// tag is a new launch template, which replaces the fleet.
func launchTags(p ComputeProps) *map[string]*string {
	tags := map[string]*string{"Name": &p.Names.AutoScalingGroup}
	for key, value := range p.Tags {
		tags[key] = &value
	}
	return &tags
}
