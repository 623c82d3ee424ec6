package main

import (
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/appconfigapplication"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/athenaworkgroup"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/backupvault"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/cloudfrontfunction"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/cloudtrail"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/cloudwatcheventrule"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/cloudwatchlogmetricfilter"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/codecommitrepository"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/dataawsregion"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/dynamodbtable"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/ebsvolume"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/ec2managedprefixlist"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/ecrrepository"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/ecscluster"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/efsfilesystem"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/gluecatalogdatabase"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/guarddutydetector"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/iamgroup"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/iamuser"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/iotthing"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/keypair"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/kinesisstream"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/lambdalayerversion"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/lightsailinstance"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/memorydbacl"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/mqconfiguration"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/neptunecluster"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/placementgroup"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/qldbledger"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/ramresourceshare"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/route53healthcheck"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/s3accesspoint"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/schemasregistry"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/servicediscoveryhttpnamespace"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/sesconfigurationset"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/sfnactivity"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/sqsqueue"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/ssmdocument"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/swfdomain"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/timestreamwritedatabase"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/wafv2ipset"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/xraygroup"
	"github.com/hashicorp/terraform-cdk-go/cdktf"
)

// newResources adds forty types of resources, with literals, numbers, booleans,
// lists, maps, nested blocks and what JSON must escape.
func newResources(scope constructs.Construct) {
	name := func(kind string) *string { return jsii.String("forty-" + kind) }
	athenaworkgroup.NewAthenaWorkgroup(scope, jsii.String("athenaworkgroup"), &athenaworkgroup.AthenaWorkgroupConfig{
		Name: name("workgroup"), Configuration: &athenaworkgroup.AthenaWorkgroupConfiguration{
			EnforceWorkgroupConfiguration: true,
			ResultConfiguration:           &athenaworkgroup.AthenaWorkgroupConfigurationResultConfiguration{OutputLocation: jsii.String("s3://results/")},
		},
	})
	appconfigapplication.NewAppconfigApplication(scope, jsii.String("appconfigapplication"), &appconfigapplication.AppconfigApplicationConfig{Name: name("application")})
	backupvault.NewBackupVault(scope, jsii.String("backupvault"), &backupvault.BackupVaultConfig{Name: name("vault")})
	cloudfrontfunction.NewCloudfrontFunction(scope, jsii.String("cloudfrontfunction"), &cloudfrontfunction.CloudfrontFunctionConfig{Name: name("function"), Runtime: jsii.String("cloudfront-js-2.0"), Code: jsii.String("${\"quoted\"} ünï ✓")})
	cloudtrail.NewCloudtrail(scope, jsii.String("cloudtrail"), &cloudtrail.CloudtrailConfig{
		Name: name("trail"), S3BucketName: name("bucket"), EventSelector: []*cloudtrail.CloudtrailEventSelector{
			{ReadWriteType: jsii.String("All"), DataResource: []*cloudtrail.CloudtrailEventSelectorDataResource{{Type: jsii.String("AWS::S3::Object"), Values: jsii.Strings("arn:aws:s3")}}},
		},
	})
	cloudwatcheventrule.NewCloudwatchEventRule(scope, jsii.String("cloudwatcheventrule"), &cloudwatcheventrule.CloudwatchEventRuleConfig{ScheduleExpression: jsii.String("rate(5 minutes)")})
	cloudwatchlogmetricfilter.NewCloudwatchLogMetricFilter(scope, jsii.String("cloudwatchlogmetricfilter"), &cloudwatchlogmetricfilter.CloudwatchLogMetricFilterConfig{
		Name: name("filter"), LogGroupName: name("logs"), Pattern: jsii.String("ERROR"),
		MetricTransformation: &cloudwatchlogmetricfilter.CloudwatchLogMetricFilterMetricTransformation{Name: name("errors"), Namespace: jsii.String("forty"), Value: jsii.String("1")},
	})
	codecommitrepository.NewCodecommitRepository(scope, jsii.String("codecommitrepository"), &codecommitrepository.CodecommitRepositoryConfig{RepositoryName: name("repository")})
	dynamodbtable.NewDynamodbTable(scope, jsii.String("dynamodbtable"), &dynamodbtable.DynamodbTableConfig{
		Name: name("table"), HashKey: jsii.String("id"), BillingMode: jsii.String("PAY_PER_REQUEST"),
		Attribute: []*dynamodbtable.DynamodbTableAttribute{{Name: jsii.String("id"), Type: jsii.String("S")}},
		Ttl:       &dynamodbtable.DynamodbTableTtl{AttributeName: jsii.String("expires"), Enabled: true},
	})
	ebsvolume.NewEbsVolume(scope, jsii.String("ebsvolume"), &ebsvolume.EbsVolumeConfig{AvailabilityZone: jsii.String("us-east-1a"), Size: jsii.Number(20), Iops: jsii.Number(3000)})
	ec2managedprefixlist.NewEc2ManagedPrefixList(scope, jsii.String("ec2managedprefixlist"), &ec2managedprefixlist.Ec2ManagedPrefixListConfig{Name: name("prefixes"), AddressFamily: jsii.String("IPv4"), MaxEntries: jsii.Number(3)})
	ecrrepository.NewEcrRepository(scope, jsii.String("ecrrepository"), &ecrrepository.EcrRepositoryConfig{Name: name("images"), ImageScanningConfiguration: &ecrrepository.EcrRepositoryImageScanningConfiguration{ScanOnPush: true}})
	ecscluster.NewEcsCluster(scope, jsii.String("ecscluster"), &ecscluster.EcsClusterConfig{Name: name("cluster"), Setting: []*ecscluster.EcsClusterSetting{{Name: jsii.String("containerInsights"), Value: jsii.String("enabled")}}})
	efsfilesystem.NewEfsFileSystem(scope, jsii.String("efsfilesystem"), &efsfilesystem.EfsFileSystemConfig{LifecyclePolicy: []*efsfilesystem.EfsFileSystemLifecyclePolicy{{TransitionToIa: jsii.String("AFTER_30_DAYS")}}})
	gluecatalogdatabase.NewGlueCatalogDatabase(scope, jsii.String("gluecatalogdatabase"), &gluecatalogdatabase.GlueCatalogDatabaseConfig{Name: name("catalog"), Parameters: &map[string]*string{"b": jsii.String("2"), "a": jsii.String("1")}})
	guarddutydetector.NewGuarddutyDetector(scope, jsii.String("guarddutydetector"), &guarddutydetector.GuarddutyDetectorConfig{Enable: true})
	iamgroup.NewIamGroup(scope, jsii.String("iamgroup"), &iamgroup.IamGroupConfig{Name: name("group")})
	iamuser.NewIamUser(scope, jsii.String("iamuser"), &iamuser.IamUserConfig{Name: name("user")})
	iotthing.NewIotThing(scope, jsii.String("iotthing"), &iotthing.IotThingConfig{Name: name("thing")})
	keypair.NewKeyPair(scope, jsii.String("keypair"), &keypair.KeyPairConfig{PublicKey: jsii.String("ssh-ed25519 AAAA")})
	kinesisstream.NewKinesisStream(scope, jsii.String("kinesisstream"), &kinesisstream.KinesisStreamConfig{Name: name("stream"), ShardCount: jsii.Number(2)})
	lambdalayerversion.NewLambdaLayerVersion(scope, jsii.String("lambdalayerversion"), &lambdalayerversion.LambdaLayerVersionConfig{LayerName: name("layer"), CompatibleRuntimes: jsii.Strings("provided.al2023")})
	lightsailinstance.NewLightsailInstance(scope, jsii.String("lightsailinstance"), &lightsailinstance.LightsailInstanceConfig{Name: name("light"), AvailabilityZone: jsii.String("us-east-1a"), BlueprintId: jsii.String("debian_12"), BundleId: jsii.String("nano_3_0")})
	memorydbacl.NewMemorydbAcl(scope, jsii.String("memorydbacl"), &memorydbacl.MemorydbAclConfig{Name: name("acl")})
	mqconfiguration.NewMqConfiguration(scope, jsii.String("mqconfiguration"), &mqconfiguration.MqConfigurationConfig{Name: name("broker"), EngineType: jsii.String("ActiveMQ"), EngineVersion: jsii.String("5.18"), Data: jsii.String("<broker/>\n")})
	neptunecluster.NewNeptuneCluster(scope, jsii.String("neptunecluster"), &neptunecluster.NeptuneClusterConfig{SkipFinalSnapshot: true})
	placementgroup.NewPlacementGroup(scope, jsii.String("placementgroup"), &placementgroup.PlacementGroupConfig{Name: name("placement"), Strategy: jsii.String("cluster")})
	qldbledger.NewQldbLedger(scope, jsii.String("qldbledger"), &qldbledger.QldbLedgerConfig{PermissionsMode: jsii.String("STANDARD")})
	ramresourceshare.NewRamResourceShare(scope, jsii.String("ramresourceshare"), &ramresourceshare.RamResourceShareConfig{Name: name("share")})
	route53healthcheck.NewRoute53HealthCheck(scope, jsii.String("route53healthcheck"), &route53healthcheck.Route53HealthCheckConfig{Type: jsii.String("HTTPS"), Fqdn: jsii.String("example.com"), Port: jsii.Number(443)})
	s3accesspoint.NewS3AccessPoint(scope, jsii.String("s3accesspoint"), &s3accesspoint.S3AccessPointConfig{Name: name("point"), Bucket: name("bucket")})
	schemasregistry.NewSchemasRegistry(scope, jsii.String("schemasregistry"), &schemasregistry.SchemasRegistryConfig{Name: name("registry")})
	servicediscoveryhttpnamespace.NewServiceDiscoveryHttpNamespace(scope, jsii.String("servicediscoveryhttpnamespace"), &servicediscoveryhttpnamespace.ServiceDiscoveryHttpNamespaceConfig{Name: name("namespace")})
	sesconfigurationset.NewSesConfigurationSet(scope, jsii.String("sesconfigurationset"), &sesconfigurationset.SesConfigurationSetConfig{Name: name("mail")})
	sfnactivity.NewSfnActivity(scope, jsii.String("sfnactivity"), &sfnactivity.SfnActivityConfig{Name: name("activity")})
	ssmdocument.NewSsmDocument(scope, jsii.String("ssmdocument"), &ssmdocument.SsmDocumentConfig{Name: name("document"), DocumentType: jsii.String("Command"), Content: jsii.String("{}")})
	swfdomain.NewSwfDomain(scope, jsii.String("swfdomain"), &swfdomain.SwfDomainConfig{WorkflowExecutionRetentionPeriodInDays: jsii.String("30")})
	timestreamwritedatabase.NewTimestreamwriteDatabase(scope, jsii.String("timestreamwritedatabase"), &timestreamwritedatabase.TimestreamwriteDatabaseConfig{DatabaseName: name("series")})
	wafv2ipset.NewWafv2IpSet(scope, jsii.String("wafv2ipset"), &wafv2ipset.Wafv2IpSetConfig{Name: name("addresses"), Scope: jsii.String("REGIONAL"), IpAddressVersion: jsii.String("IPV4")})
	xraygroup.NewXrayGroup(scope, jsii.String("xraygroup"), &xraygroup.XrayGroupConfig{GroupName: name("traces"), FilterExpression: jsii.String("fault")})
}

// newReferences adds tokens of every form: attributes of resources as strings, in
// strings, as numbers and lists, functions, iterators and overrides.
func newReferences(scope constructs.Construct) {
	region := dataawsregion.NewDataAwsRegion(scope, jsii.String("region"), nil)
	dead := sqsqueue.NewSqsQueue(scope, jsii.String("dead"), &sqsqueue.SqsQueueConfig{Name: region.Name()})
	zones := cdktf.NewTerraformVariable(scope, jsii.String("zones"), &cdktf.TerraformVariableConfig{Type: jsii.String("list(string)")})
	each := cdktf.TerraformIterator_FromList(zones.ListValue())
	queue := sqsqueue.NewSqsQueue(scope, jsii.String("queue"), &sqsqueue.SqsQueueConfig{
		ForEach:            each,
		Name:               cdktf.Fn_Join(jsii.String("-"), &[]*string{jsii.String("queue"), cdktf.Token_AsString(each.Value(), nil)}),
		DelaySeconds:       dead.DelaySeconds(),
		Policy:             jsii.String("queue " + *dead.Arn() + " in " + *region.Id()),
		DependsOn:          &[]cdktf.ITerraformDependable{dead},
		Lifecycle:          &cdktf.TerraformResourceLifecycle{IgnoreChanges: jsii.Strings("policy")},
		FifoQueue:          cdktf.Token_AsAny(cdktf.Fn_Conditional(region.Name(), true, false)),
		KmsMasterKeyId:     nil,
		MaxMessageSize:     jsii.Number(262144),
		RedriveAllowPolicy: cdktf.Fn_Jsonencode(map[string]any{"z": dead.Arn(), "a": 1, "list": []any{true, nil, 1.5}}),
	})
	queue.AddOverride(jsii.String("provisioner"), []any{map[string]any{"local-exec": map[string]any{"command": "true"}}})
	cdktf.NewTerraformOutput(scope, jsii.String("urls"), &cdktf.TerraformOutputConfig{Value: queue.Fqn(), Sensitive: jsii.Bool(true)})
	cdktf.NewTerraformLocal(scope, jsii.String("local"), cdktf.Fn_Element(zones.ListValue(), jsii.Number(0)))
}
