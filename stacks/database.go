package stacks

import (
	"portfolio/config"

	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/dbinstance"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/dbparametergroup"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/dbsubnetgroup"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/iamrolepolicyattachment"
	"github.com/hashicorp/terraform-cdk-go/cdktf"
)

// Fixed facts of the database that its clients need to know.
const (
	databaseName = "portfolio"
	databasePort = 5432
	// databaseUser is the master user. RDS reserves "admin", and attackers try
	// "postgres" first.
	databaseUser = "portfolio_owner"
	// serviceUser owns nothing. The service connects as it, and as the master user
	// only to migrate.
	serviceUser = "portfolio_service"
)

// DatabaseProps configures the stateful tier.
type DatabaseProps struct {
	Names              config.Names
	Account            *string
	Network            NetworkOutputs // private subnets the tier lives in
	Database           config.Database
	Cache              config.Cache
	Buckets            config.Buckets
	SecretRecoveryDays int // 0 or 7–30
	Logs               LogProps
	KeyARN             *string // customer-managed KMS key, nil for AWS-managed ones
	Boundary           string  // as in newRole
}

// DatabaseOutputs is what other tiers may use; pointers are Terraform tokens.
type DatabaseOutputs struct {
	Address    *string // host name without port
	Endpoint   *string // host:port
	Identifier *string
	ReplicaID  *string // identifier of the read replica, nil without one
	SecretARN  *string // Secrets Manager, JSON {username, password} of the master user
	// ServiceSecretARN is that of the user that the service connects as.
	ServiceSecretARN *string

	Cache   CacheOutputs
	History bucket
	Logs    bucket // access logs of load balancer and buckets

	// Ready must exist before a client can use the tier.
	Ready []cdktf.ITerraformDependable
}

// NewDatabase creates PostgreSQL on RDS, Valkey on ElastiCache Serverless, the
// history bucket and the bucket of access logs. Database and cache are reachable
// only from the VPC, and the database's password is in neither plan nor state.
func NewDatabase(scope constructs.Construct, id string, p DatabaseProps) DatabaseOutputs {
	scope = constructs.NewConstruct(scope, &id)
	logs := newLogsBucket(scope, p)
	history := newHistoryBucket(scope, p, logs)
	cache := newCache(scope, p)
	secret := newDatabaseSecret(scope, p)
	base := newDatabaseBase(scope, p)
	primary := newPrimary(scope, p, base, secret)
	service := newServiceSecret(scope, p)

	out := DatabaseOutputs{
		Address:          primary.Address(),
		Endpoint:         primary.Endpoint(),
		Identifier:       primary.Identifier(),
		SecretARN:        secret.ARN,
		ServiceSecretARN: service.SecretId(),
		Cache:            cache,
		History:          history,
		Logs:             logs,
		Ready:            []cdktf.ITerraformDependable{primary, secret.Version, service, cache.Ready, history.Ready},
	}
	if p.Database.ReadReplica {
		out.ReplicaID = newReplica(scope, p, base, primary).Identifier()
	}
	return out
}

// databaseBase is what the primary and its replica share.
type databaseBase struct {
	SubnetGroup    *string
	ParameterGroup *string
	SecurityGroup  *string
	MonitoringRole *string
	Monitored      cdktf.ITerraformDependable // the role's policy
}

func newDatabaseBase(scope constructs.Construct, p DatabaseProps) databaseBase {
	subnets := dbsubnetgroup.NewDbSubnetGroup(scope, jsii.String("subnet-group"), &dbsubnetgroup.DbSubnetGroupConfig{
		Name:        &p.Names.DatabaseSubnetGroup,
		Description: jsii.String("Private subnets of the holdings database"),
		SubnetIds:   &p.Network.Private,
	})
	group := newSecurityGroup(scope, "security-group", p.Names.DatabaseSecurityGroup, "Holdings database", p.Network)
	allowIn(scope, "postgres", group, rule{Description: "PostgreSQL from the VPC",
		From: databasePort, CIDR: p.Network.CIDR})
	role := newRole(scope, "monitoring-role", p.Names.DatabaseMonitoringRole,
		"monitoring.rds.amazonaws.com", p.Boundary)
	monitored := iamrolepolicyattachment.NewIamRolePolicyAttachment(scope, jsii.String("monitoring-policy"),
		&iamrolepolicyattachment.IamRolePolicyAttachmentConfig{
			Role:      role.Name(),
			PolicyArn: jsii.String("arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"),
		})
	return databaseBase{
		SubnetGroup:    subnets.Name(),
		ParameterGroup: newParameterGroup(scope, p).Name(),
		SecurityGroup:  group,
		MonitoringRole: role.Arn(),
		Monitored:      monitored,
	}
}

// newParameterGroup creates a group with a generated name, which is created before
// the old one is destroyed: a group in use cannot be deleted.
func newParameterGroup(scope constructs.Construct, p DatabaseProps) dbparametergroup.DbParameterGroup {
	parameter := func(name, value, method string) *dbparametergroup.DbParameterGroupParameter {
		return &dbparametergroup.DbParameterGroupParameter{Name: &name, Value: &value, ApplyMethod: &method}
	}
	return dbparametergroup.NewDbParameterGroup(scope, jsii.String("parameter-group"),
		&dbparametergroup.DbParameterGroupConfig{
			NamePrefix:  jsii.String(p.Names.DatabaseParameterGroup + "-"),
			Family:      jsii.String("postgres15"),
			Description: jsii.String("Holdings database: TLS only, slow queries and connections logged"),
			Parameter: []*dbparametergroup.DbParameterGroupParameter{
				// RDS reports pending-reboot whatever is requested; stating it keeps the
				// next plan empty.
				parameter("rds.force_ssl", "1", "pending-reboot"),
				parameter("log_min_duration_statement", "1000", "immediate"), // ms
				parameter("log_statement", "ddl", "immediate"),
				parameter("log_connections", "1", "immediate"),
				parameter("log_disconnections", "1", "immediate"),
			},
			Lifecycle: &cdktf.TerraformResourceLifecycle{CreateBeforeDestroy: jsii.Bool(true)},
		})
}

// newDatabaseLogGroups creates the groups that RDS would otherwise create itself.
func newDatabaseLogGroups(scope constructs.Construct, id, instance string, p LogProps) *[]cdktf.ITerraformDependable {
	var groups []cdktf.ITerraformDependable
	for _, log := range databaseLogs {
		groups = append(groups, newLogGroup(scope, id+"-"+log, "/aws/rds/instance/"+instance+"/"+log, p))
	}
	return &groups
}

// databaseLogs are the logs that PostgreSQL on RDS can export.
var databaseLogs = []string{"postgresql", "upgrade"}

func newPrimary(scope constructs.Construct, p DatabaseProps, base databaseBase,
	secret databaseSecret) dbinstance.DbInstance {
	config := common(p, base)
	config.Identifier = &p.Names.Database
	config.Engine = jsii.String("postgres")
	// Exact, hence no automatic minor upgrades: after one the next plan would be a
	// downgrade, which RDS refuses.
	config.EngineVersion = &p.Database.EngineVersion
	config.AllocatedStorage = jsii.Number(p.Database.StorageGiB)
	config.StorageType = jsii.String("gp3") // below 400 GiB neither IOPS nor throughput can be given
	config.StorageEncrypted = true
	config.KmsKeyId = p.KeyARN
	config.MultiAz = p.Database.MultiAZ
	config.DbSubnetGroupName = base.SubnetGroup
	config.ParameterGroupName = base.ParameterGroup
	config.DbName = jsii.String(databaseName)
	config.Port = jsii.Number(databasePort)
	config.Username = jsii.String(databaseUser)
	config.PasswordWo = secret.Password
	config.PasswordWoVersion = jsii.Number(passwordVersion)
	config.IamDatabaseAuthenticationEnabled = true
	config.BackupRetentionPeriod = jsii.Number(p.Database.BackupDays)
	config.BackupWindow = jsii.String("03:00-04:00")
	config.MaintenanceWindow = jsii.String("sun:04:00-sun:05:00")
	config.DeleteAutomatedBackups = !p.Database.FinalSnapshot
	config.DeletionProtection = p.Database.DeletionProtection
	config.SkipFinalSnapshot = !p.Database.FinalSnapshot
	config.DependsOn = newDatabaseLogGroups(scope, "log-group", p.Names.Database, p.Logs)
	*config.DependsOn = append(*config.DependsOn, base.Monitored)
	if p.Database.FinalSnapshot {
		config.FinalSnapshotIdentifier = finalSnapshotName(scope, p.Names.Database)
	}
	if p.Database.BlueGreen {
		config.BlueGreenUpdate = &dbinstance.DbInstanceBlueGreenUpdate{Enabled: true}
	}
	return dbinstance.NewDbInstance(scope, jsii.String("primary"), config)
}

// newReplica creates a read replica in the zone that the primary does not start in.
// RDS takes user, storage, key, subnet group and parameter group from the primary
// and refuses most of them here.
func newReplica(scope constructs.Construct, p DatabaseProps, base databaseBase,
	primary dbinstance.DbInstance) dbinstance.DbInstance {
	config := common(p, base)
	config.Identifier = &p.Names.DatabaseReplica
	config.ReplicateSourceDb = primary.Identifier()
	config.AvailabilityZone = cdktf.Token_AsString(cdktf.Fn_Conditional(
		cdktf.Op_Eq(primary.AvailabilityZone(), p.Network.Zones[0]), p.Network.Zones[1], p.Network.Zones[0]), nil)
	// Not an argument to RDS, which takes it from the primary: left out, the next
	// plan would replace the replica.
	config.StorageEncrypted = true
	// A copy needs neither a final snapshot nor protection, which the provider could
	// not lift in the apply that removes it.
	config.SkipFinalSnapshot = true
	config.DeletionProtection = false
	config.DependsOn = newDatabaseLogGroups(scope, "replica-log-group", p.Names.DatabaseReplica, p.Logs)
	// After a failover the primary is in the other zone; the replica stays.
	config.Lifecycle = &cdktf.TerraformResourceLifecycle{IgnoreChanges: jsii.Strings("availability_zone")}
	return dbinstance.NewDbInstance(scope, jsii.String("replica"), config)
}

// common holds the arguments of both the primary and the replica.
func common(p DatabaseProps, base databaseBase) *dbinstance.DbInstanceConfig {
	return &dbinstance.DbInstanceConfig{
		InstanceClass:                      &p.Database.InstanceClass,
		PubliclyAccessible:                 false,
		VpcSecurityGroupIds:                &[]*string{base.SecurityGroup},
		AutoMinorVersionUpgrade:            false,
		CaCertIdentifier:                   jsii.String("rds-ca-rsa2048-g1"),
		CopyTagsToSnapshot:                 true,
		EnabledCloudwatchLogsExports:       jsii.Strings(databaseLogs...),
		MonitoringInterval:                 jsii.Number(60),
		MonitoringRoleArn:                  base.MonitoringRole,
		PerformanceInsightsEnabled:         true,
		PerformanceInsightsRetentionPeriod: jsii.Number(7),
		PerformanceInsightsKmsKeyId:        p.KeyARN,
		DatabaseInsightsMode:               jsii.String("standard"),
	}
}

// finalSnapshotName returns a name that ends in a UUID, which Terraform keeps in the
// state: with a fixed name a second destroy fails, with a time every plan changes.
func finalSnapshotName(scope constructs.Construct, database string) *string {
	id := newTerraformData(scope, "final-snapshot", nil, nil)
	return jsii.String(database + "-final-" + *id.GetStringAttribute(jsii.String("id")))
}
