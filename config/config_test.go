package config

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestWarnings(t *testing.T) {
	const (
		plainHTTP = "certificate: none given, so the load balancer serves plain HTTP; set CERTIFICATE_ARN, or DOMAIN_NAME and HOSTED_ZONE_ID"
		publicNet = "network.cidr: 172.32.0.0/16 lies outside RFC 1918 (172.16.0.0/12 ends at 172.31.255.255); public hosts in it cannot be reached from the VPC"
		endOfLife = "compute.amazonLinux: Amazon Linux 2 is past its end of life (2026-06-30); set AMAZON_LINUX=al2023"
	)
	for name, c := range map[string]struct {
		environ map[string]string
		want    []string
	}{
		"defaults":    {nil, []string{plainHTTP, publicNet, endOfLife}},
		"certificate": {map[string]string{"CERTIFICATE_ARN": goodARN}, []string{publicNet, endOfLife}},
		"al2023":      {map[string]string{"AMAZON_LINUX": "al2023"}, []string{plainHTTP, publicNet}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Load(c.environ, fstest.MapFS{})
			require.NoError(t, err)
			require.Equal(t, c.want, got.Warnings())
		})
	}
}

func TestPrivateNetworkHasNoWarning(t *testing.T) {
	c := Config{Profile: Standard(), Certificate: Certificate{ARN: goodARN}}
	c.Compute.AmazonLinux = AmazonLinux2023
	c.Network.CIDR = netip.MustParsePrefix("172.31.0.0/16")
	require.Empty(t, c.Warnings())
}

// Mistakes in a profile are reported like bad input.
func TestProfileIsValidated(t *testing.T) {
	for name, c := range map[string]struct {
		change func(p *Profile)
		want   string
	}{
		"subnet outside": {func(p *Profile) { p.Network.PublicCIDRs[1] = netip.MustParsePrefix("10.0.0.0/24") },
			"network.subnets[1]: got 10.0.0.0/24, want a part of 172.32.0.0/16 of /27 or larger"},
		"subnet too small for a load balancer": {func(p *Profile) { p.Network.PrivateCIDRs[0] = netip.MustParsePrefix("172.32.11.0/28") },
			"network.subnets[2]: got 172.32.11.0/28, want a part of 172.32.0.0/16 of /27 or larger"},
		"root volume":      {func(p *Profile) { p.Compute.RootVolumeGiB = 7 }, "compute.rootVolumeGiB: got 7, want 8–16384"},
		"minimum":          {func(p *Profile) { p.Compute.MinSize = 0 }, "compute.minSize: got 0, want 1–2"},
		"desired":          {func(p *Profile) { p.Compute.DesiredCapacity = 7 }, "compute.desiredCapacity: got 7, want 2–6"},
		"engine version":   {func(p *Profile) { p.Database.EngineVersion = "15" }, "DB_ENGINE_VERSION: got 15, want an exact version of PostgreSQL 15 such as 15.14"},
		"storage":          {func(p *Profile) { p.Database.StorageGiB = 19 }, "database.storageGiB: got 19, want 20–65536"},
		"backups":          {func(p *Profile) { p.Database.BackupDays = 0 }, "database.backupDays: got 0, want 1–35"},
		"cache storage":    {func(p *Profile) { p.Cache.StorageGB = 5001 }, "cache.storageGB: got 5001, want 1–5000"},
		"ECPU":             {func(p *Profile) { p.Cache.ECPUPerSecond = 999 }, "cache.ecpuPerSecond: got 999, want 1000–15000000"},
		"cache snapshots":  {func(p *Profile) { p.Cache.SnapshotDays = 36 }, "cache.snapshotDays: got 36, want 1–35"},
		"secret recovery":  {func(p *Profile) { p.SecretRecoveryDays = 6 }, "secretRecoveryDays: got 6, want 0 or 7–30"},
		"log retention":    {func(p *Profile) { p.LogRetentionDays = 31 }, "logRetentionDays: got 31, want one of [1 3 5 7 14 30 60 90 120 150 180 365 400 545 731 1096 1827 2192 2557 2922 3288 3653]"},
		"operating system": {func(p *Profile) { p.Compute.AmazonLinux = "al1" }, "AMAZON_LINUX: got al1, want al2 or al2023"},
	} {
		t.Run(name, func(t *testing.T) {
			good, err := Load(nil, fstest.MapFS{})
			require.NoError(t, err)
			c.change(&good.Profile)
			problems := good.validate("AWS_REGION", "")
			require.Len(t, problems, 1)
			require.EqualError(t, problems[0], c.want)
		})
	}
}

func TestEveryProfileIsValid(t *testing.T) {
	require.Equal(t, []string{"preview", "production", "standard"}, profileNames())
	for _, name := range profileNames() {
		_, err := Load(map[string]string{"PORTFOLIO_PROFILE": name, "CERTIFICATE_ARN": goodARN}, fstest.MapFS{})
		require.NoError(t, err, name)
	}
}

func TestNames(t *testing.T) {
	n := NewNames("pr3522")
	for want, got := range map[string]string{
		"portfolio-pr3522":                   n.Stack,
		"portfolio-vpc-pr3522":               n.VPC,
		"portfolio-public-1-pr3522":          n.Subnet("public", 1),
		"portfolio-private-2-pr3522":         n.Subnet("private", 2),
		"portfolio-private-rt-2-pr3522":      n.RouteTable("private", 2),
		"portfolio-nat-1-pr3522":             n.NATGateway(1),
		"portfolio-alb-pr3522":               n.LoadBalancer,
		"portfolio-alb-sg-pr3522":            n.LoadBalancerSecurityGroup,
		"portfolio-ec2-sg-pr3522":            n.InstanceSecurityGroup,
		"portfolio-db-sg-pr3522":             n.DatabaseSecurityGroup,
		"portfolio-cache-sg-pr3522":          n.CacheSecurityGroup,
		"portfolio-tg-pr3522":                n.TargetGroup,
		"portfolio-asg-pr3522":               n.AutoScalingGroup,
		"portfolio-lt-pr3522":                n.LaunchTemplate,
		"portfolio-holdings-db-pr3522":       n.Database,
		"portfolio-db-subnet-group-pr3522":   n.DatabaseSubnetGroup,
		"portfolio-market-cache-pr3522":      n.Cache,
		"portfolio-ws-api-pr3522":            n.WebSocketAPI,
		"portfolio-ws-handler-pr3522":        n.WebSocketHandler,
		"portfolio-hist-pr3522-123456789012": n.Bucket("hist", "123456789012"),
		"portfolio-tracking-metrics-pr3522":  n.Dashboard,
		"portfolio-alb-5xx-pr3522":           n.Alarm("alb-5xx"),
	} {
		require.Equal(t, want, got)
	}
}

// With the longest suffix the names are within the lowest limits that apply.
func TestNamesFitTheirServices(t *testing.T) {
	n := NewNames(strings.Repeat("x", 16))
	for name, limit := range map[string]int{
		n.LoadBalancer: 32, n.TargetGroup: 32, // Elastic Load Balancing
		n.Database: 63, n.DatabaseReplica: 63, // RDS
		n.Cache:            50, // ElastiCache
		n.WebSocketHandler: 64, // Lambda, and IAM roles
		n.InstanceRole:     64, n.FlowLogs: 64, n.DatabaseMonitoringRole: 64,
		n.Bucket("artifacts", "123456789012"): 63, // S3
	} {
		require.LessOrEqual(t, len(name), limit, name)
	}
	fields := reflect.ValueOf(n)
	for i := range fields.NumField() {
		name, _, _ := strings.Cut(fields.Field(i).String(), "/service")
		require.True(t, strings.HasSuffix(name, n.Suffix), fields.Type().Field(i).Name)
	}
}
