package config

import (
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"portfolio/contract/setting"
)

// regions are the commercial regions, enabled by default or by opt-in. Any other
// name is more likely a mistake than a new region.
var regions = []string{
	"af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3",
	"ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3",
	"ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1",
	"eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1",
	"eu-west-2", "eu-west-3", "il-central-1", "me-central-1", "me-south-1", "mx-central-1",
	"sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
}

// retentions are the numbers of days CloudWatch Logs can keep events.
var retentions = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827,
	2192, 2557, 2922, 3288, 3653}

var (
	emailPattern       = regexp.MustCompile(`^[!-~]{3,254}$`)
	bucketPattern      = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	certificatePattern = regexp.MustCompile(`^arn:aws:acm:([a-z0-9-]+):\d{12}:certificate/[0-9a-f-]{36}$`)
	domainPattern      = regexp.MustCompile(`^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$`)
	hostedZonePattern  = regexp.MustCompile(`^Z[A-Z0-9]{1,31}$`)
	boundaryPattern    = regexp.MustCompile(`^arn:aws:iam::\d{12}:policy/[\w+=,.@/-]{1,512}$`)
	secretPattern      = regexp.MustCompile(`^arn:aws:secretsmanager:([a-z0-9-]+):\d{12}:secret:[\w/+=.@-]{1,512}$`)
	versionPattern     = regexp.MustCompile(`^15\.\d{1,2}$`)
)

// validate returns every problem of c, in the order of the documentation.
func (c Config) validate(regionPath, endpoint string) []error {
	var problems []error
	check := func(ok bool, path string, got any, want string) {
		if !ok {
			problems = append(problems, setting.Problem(path, fmt.Sprint(got), want))
		}
	}
	check(setting.IsSuffix(c.Names.Suffix), "ENVIRONMENT_SUFFIX", c.Names.Suffix, setting.SuffixForm)
	check(c.Names.Suffix != BootstrapFolder, "ENVIRONMENT_SUFFIX", c.Names.Suffix,
		"another suffix: the states in "+BootstrapFolder+"/ are the account's")
	check(knownRegion(c.Region), regionPath, c.Region, "an AWS region such as eu-west-1")
	c.State.validate(check)
	if c.AlarmEmail != "" {
		address, err := mail.ParseAddress(c.AlarmEmail)
		check(err == nil && address.Address == c.AlarmEmail && emailPattern.MatchString(c.AlarmEmail), "ALARM_EMAIL",
			c.AlarmEmail, "an e-mail address of up to 254 visible ASCII characters")
	}
	check(c.Boundary == "" || boundaryPattern.MatchString(c.Boundary), "PERMISSIONS_BOUNDARY_ARN", c.Boundary,
		"arn:aws:iam::<12-digit account>:policy/<name>")
	if arn := c.Quotes.SecretARN; arn != "" {
		match := secretPattern.FindStringSubmatch(arn)
		check(match != nil, "QUOTE_SOURCE_SECRET_ARN", arn,
			"arn:aws:secretsmanager:<region>:<12-digit account>:secret:<name>")
		check(match == nil || match[1] == c.Region, "QUOTE_SOURCE_SECRET_ARN", arn,
			"a secret in "+c.Region+", the platform's region")
	}
	problems = append(problems, c.SignIn.Problems()...)
	if match := secretPattern.FindStringSubmatch(c.SignIn.SecretARN); match != nil {
		check(match[1] == c.Region, "OIDC_CLIENT_SECRET_ARN", c.SignIn.SecretARN,
			"a secret in "+c.Region+", the platform's region")
	}
	check(c.SignIn.Issuer == "" || c.Certificate.HTTPS() || endpoint != "", "OIDC_ISSUER", c.SignIn.Issuer,
		"nothing without a certificate: people sign in over HTTPS only")
	validateEndpoint(endpoint, check)
	c.validateCertificate(check)
	c.validateProfile(check)
	return problems
}

func knownRegion(name string) bool { return slices.Contains(regions, name) }

// checker records a problem unless ok.
type checker func(ok bool, path string, got any, want string)

func (s State) validate(check checker) {
	check(validBucket(s.Bucket), "TERRAFORM_STATE_BUCKET", s.Bucket,
		"an S3 bucket name: 3–63 of a–z, 0–9, dots and inner hyphens")
	check(knownRegion(s.Region), "TERRAFORM_STATE_BUCKET_REGION", s.Region,
		"an AWS region such as us-east-1")
}

// validateEndpoint checks an emulator's address, "" for AWS.
func validateEndpoint(endpoint string, check checker) {
	if endpoint == "" {
		return
	}
	u, err := url.Parse(endpoint)
	check(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "", "AWS_ENDPOINT_URL", endpoint,
		"a URL such as http://127.0.0.1:4566")
}

func (c Config) validateCertificate(check checker) {
	cert := c.Certificate
	if cert.ARN != "" {
		match := certificatePattern.FindStringSubmatch(cert.ARN)
		check(match != nil, "CERTIFICATE_ARN", cert.ARN,
			"arn:aws:acm:<region>:<12-digit account>:certificate/<UUID>")
		check(match == nil || match[1] == c.Region, "CERTIFICATE_ARN", cert.ARN,
			"a certificate in "+c.Region+", the load balancer's region")
		check(cert.DomainName == "", "DOMAIN_NAME", cert.DomainName, "nothing together with CERTIFICATE_ARN")
	}
	validateDomain(cert.DomainName, cert.HostedZoneID, check)
	check(cert.HTTPS() || !c.RequireHTTPS, "CERTIFICATE_ARN", "",
		"a certificate, or DOMAIN_NAME and HOSTED_ZONE_ID, because "+c.Release.Profile+" does not serve plain HTTP")
}

// validateDomain checks a domain and its zone, both "" for none.
func validateDomain(name, zone string, check checker) {
	if name != "" {
		// ACM accepts up to 64 characters as a certificate's first name.
		check(domainPattern.MatchString(name) && len(name) <= 64, "DOMAIN_NAME", name,
			"a host name of up to 64 characters such as app.example.com")
	}
	if name != "" || zone != "" {
		check(hostedZonePattern.MatchString(zone), "HOSTED_ZONE_ID", zone,
			"the ID of the Route 53 zone of DOMAIN_NAME, such as Z0123456789ABC")
		check(name != "", "DOMAIN_NAME", name, "a host name in the zone HOSTED_ZONE_ID")
	}
}

func (c Config) validateProfile(check checker) {
	between := func(path string, got, low, high int) {
		check(got >= low && got <= high, path, got, fmt.Sprintf("%d–%d", low, high))
	}
	for i, subnet := range slices.Concat(c.Network.PublicCIDRs[:], c.Network.PrivateCIDRs[:]) {
		path := fmt.Sprintf("network.subnets[%d]", i)
		inside := c.Network.CIDR.Contains(subnet.Addr()) && subnet.Bits() > c.Network.CIDR.Bits()
		// A load balancer needs 8 free addresses in each subnet, hence /27.
		check(inside && subnet.Bits() <= 27, path, subnet, "a part of "+c.Network.CIDR.String()+" of /27 or larger")
	}
	check(slices.Contains([]AmazonLinux{AmazonLinux2, AmazonLinux2023}, c.Compute.AmazonLinux),
		"AMAZON_LINUX", c.Compute.AmazonLinux, "al2 or al2023")
	between("compute.rootVolumeGiB", c.Compute.RootVolumeGiB, 8, 16384)
	between("compute.minSize", c.Compute.MinSize, 1, c.Compute.DesiredCapacity)
	between("compute.desiredCapacity", c.Compute.DesiredCapacity, c.Compute.MinSize, c.Compute.MaxSize)

	check(versionPattern.MatchString(c.Database.EngineVersion), "DB_ENGINE_VERSION", c.Database.EngineVersion,
		"an exact version of PostgreSQL 15 such as 15.14")
	between("database.storageGiB", c.Database.StorageGiB, 20, 65536)
	between("database.backupDays", c.Database.BackupDays, 1, 35)
	check(!c.Database.ReadReplica || !c.Database.BlueGreen, "RDS_BLUE_GREEN", "on together with a read replica",
		"one of the two: a Blue/Green switchover orphans the replica, so set RDS_READ_REPLICA=off for that apply")

	between("cache.storageGB", c.Cache.StorageGB, 1, 5000)
	between("cache.ecpuPerSecond", c.Cache.ECPUPerSecond, 1000, 15_000_000)
	between("cache.snapshotDays", c.Cache.SnapshotDays, 1, 35)
	check(slices.Contains(retentions, c.LogRetentionDays), "logRetentionDays", c.LogRetentionDays,
		fmt.Sprintf("one of %v", retentions))
	check(c.SecretRecoveryDays == 0 || c.SecretRecoveryDays >= 7 && c.SecretRecoveryDays <= 30,
		"secretRecoveryDays", c.SecretRecoveryDays, "0 or 7–30")
}

// validBucket applies S3's naming rules for general purpose buckets.
func validBucket(name string) bool {
	if !bucketPattern.MatchString(name) || strings.Contains(name, "..") {
		return false
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return false // shaped like an IP address
	}
	for _, prefix := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	for _, suffix := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(name, suffix) {
			return false
		}
	}
	return true
}
