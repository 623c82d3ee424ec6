package config

import (
	"maps"
	"net/netip"
	"slices"
	"time"
)

// AmazonLinux is a release of the operating system on the instances.
type AmazonLinux string

// The releases whose boot the user data is written for.
const (
	AmazonLinux2    AmazonLinux = "al2"
	AmazonLinux2023 AmazonLinux = "al2023"
)

// Profile is everything about a platform that depends on the kind of environment.
type Profile struct {
	Network    Network
	Compute    Compute
	Database   Database
	Cache      Cache
	Buckets    Buckets
	API        API
	Monitoring Monitoring

	LogRetentionDays int  // of every log group; CloudWatch allows certain values only
	CustomerKey      bool // a rotated customer-managed KMS key instead of AWS-managed ones
	RequireHTTPS     bool // refuses a load balancer without a certificate
	// SecretRecoveryDays is how long a deleted secret can be restored: 0 deletes it at
	// once, which short-lived environments need; otherwise 7–30.
	SecretRecoveryDays int
}

// Network sizes the VPC: one public and one private subnet in each of two zones.
type Network struct {
	CIDR              netip.Prefix
	PublicCIDRs       [2]netip.Prefix
	PrivateCIDRs      [2]netip.Prefix
	NATGatewayPerZone bool // false shares the first zone's
}

// Compute sizes the load balancer and the Auto Scaling group behind it.
type Compute struct {
	InstanceType       string
	AmazonLinux        AmazonLinux
	RootVolumeGiB      int
	MinSize, MaxSize   int
	DesiredCapacity    int     // at creation; scaling changes it afterwards
	TargetCPUPercent   float64 // of target tracking, average of the group
	TargetRequests     float64 // of target tracking, per target and minute
	DeletionProtection bool    // of the load balancer
}

// Database sizes PostgreSQL on RDS.
type Database struct {
	InstanceClass      string
	EngineVersion      string // exact: RDS does not upgrade it on its own
	StorageGiB         int    // gp3
	BackupDays         int    // automated backups kept, 1–35
	MultiAZ            bool   // synchronous standby in the second zone
	DeletionProtection bool   // of the primary
	FinalSnapshot      bool   // on destroy; automated backups are kept as well
	ReadReplica        bool   // in another zone; not together with BlueGreen
	BlueGreen          bool   // updates by Blue/Green deployment, for the one apply of an upgrade
}

// Cache sizes Valkey on ElastiCache Serverless.
type Cache struct {
	MajorEngineVersion string        // "8"; the minor version is AWS's choice
	StorageGB          int           // upper limit, 1–5000
	ECPUPerSecond      int           // upper limit, 1,000–15,000,000
	SnapshotDays       int           // daily snapshots kept, 1–35
	QuoteTTL           time.Duration // how long the service caches a price before it reads it again
}

// Buckets decides what happens to objects when an environment is destroyed.
type Buckets struct {
	EmptyOnDestroy     bool // history and artifacts; false: destroy fails at one that is not empty
	EmptyLogsOnDestroy bool // the logs bucket, which is never empty: the load balancer writes a test file
}

// API sizes the WebSocket API and its Lambda function.
type API struct {
	MemoryMB      int
	Timeout       time.Duration // of the function; a socket's integration gives up at 29 s
	ThrottleRate  int           // requests a second, steady
	ThrottleBurst int           // requests at once
	AccessLogs    bool          // of the stage; needs the account-wide API Gateway logging role
}

// Monitoring sets the period of the dashboard and the thresholds of alarms that
// depend on how large the platform is.
type Monitoring struct {
	DashboardPeriod        time.Duration
	ResponseTimeP99        time.Duration // of the load balancer's targets
	DatabaseConnections    int           // of the primary
	DatabaseFreeStorageGiB int
	DatabaseFreeMemoryMiB  int
	ReplicaLag             time.Duration
	PushLagP99             time.Duration // from the receipt of a quote until it is posted
	QuoteAge               time.Duration // of the newest quote
	QuoteAgeAlarm          bool          // false for a feed that pauses, at night for example
}

var profiles = map[string]func() Profile{
	"standard":   Standard,
	"preview":    Preview,
	"production": Production,
}

func profileNames() []string { return slices.Sorted(maps.Keys(profiles)) }

// Standard is exactly the specification: it survives the loss of a zone, and can be
// destroyed.
func Standard() Profile {
	return Profile{
		Network: Network{
			CIDR: netip.MustParsePrefix("172.32.0.0/16"),
			PublicCIDRs: [2]netip.Prefix{
				netip.MustParsePrefix("172.32.1.0/24"), netip.MustParsePrefix("172.32.2.0/24"),
			},
			PrivateCIDRs: [2]netip.Prefix{
				netip.MustParsePrefix("172.32.11.0/24"), netip.MustParsePrefix("172.32.12.0/24"),
			},
			NATGatewayPerZone: true,
		},
		Compute: Compute{
			InstanceType:     "t3.medium",
			AmazonLinux:      AmazonLinux2,
			RootVolumeGiB:    20,
			MinSize:          2,
			MaxSize:          6,
			DesiredCapacity:  2,
			TargetCPUPercent: 60,
			TargetRequests:   1000,
		},
		Database: Database{
			InstanceClass: "db.t3.medium",
			EngineVersion: "15.14",
			StorageGiB:    100,
			BackupDays:    7,
			MultiAZ:       true,
		},
		Cache: Cache{
			MajorEngineVersion: "8",
			StorageGB:          10,
			ECPUPerSecond:      5000,
			SnapshotDays:       1,
			QuoteTTL:           60 * time.Second,
		},
		API: API{
			MemoryMB:      256,
			Timeout:       30 * time.Second,
			ThrottleRate:  500, // new connections a second, API Gateway's own default quota
			ThrottleBurst: 1000,
		},
		Monitoring: Monitoring{
			DashboardPeriod:        300 * time.Second,
			ResponseTimeP99:        time.Second,
			DatabaseConnections:    300, // of about 410 that db.t3.medium allows (memory / 9531392)
			DatabaseFreeStorageGiB: 20,
			DatabaseFreeMemoryMiB:  256,
			ReplicaLag:             10 * time.Minute, // an idle PostgreSQL replica lags up to 5
			PushLagP99:             time.Second,
			QuoteAge:               15 * time.Minute,
			QuoteAgeAlarm:          true,
		},
		Buckets:          Buckets{EmptyLogsOnDestroy: true},
		LogRetentionDays: 30,
	}
}

// Preview is one pull request's environment: cheap, short-lived, and completely
// deleted when it is destroyed.
func Preview() Profile {
	p := Standard()
	p.Network.NATGatewayPerZone = false
	p.Compute.AmazonLinux = AmazonLinux2023
	p.Database.MultiAZ = false
	p.Buckets.EmptyOnDestroy = true
	p.LogRetentionDays = 7
	return p
}

// Production is Standard with HTTPS only, protection against mistakes, a key of its
// own and a read replica.
func Production() Profile {
	p := Standard()
	p.RequireHTTPS = true
	p.Compute.AmazonLinux = AmazonLinux2023
	p.Compute.DeletionProtection = true
	p.Database.DeletionProtection = true
	p.Database.FinalSnapshot = true
	p.Database.ReadReplica = true
	p.Buckets.EmptyLogsOnDestroy = false
	p.Cache.SnapshotDays = 7
	p.LogRetentionDays = 365
	p.CustomerKey = true
	p.SecretRecoveryDays = 30
	return p
}
