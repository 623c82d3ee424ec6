package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"portfolio/contract/setting"

	"github.com/stretchr/testify/require"
)

const (
	goodARN  = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
	otherARN = "arn:aws:acm:eu-west-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
)

// Wants that several rows share.
const (
	wantSuffix   = "1–16 of a–z, 0–9 and single inner hyphens"
	wantRegion   = "an AWS region such as eu-west-1"
	wantARN      = "arn:aws:acm:<region>:<12-digit account>:certificate/<UUID>"
	wantBucket   = "an S3 bucket name: 3–63 of a–z, 0–9, dots and inner hyphens"
	wantVersion  = "an exact version of PostgreSQL 15 such as 15.14"
	wantTemplate = "a value without ${ and %{, which Terraform would evaluate"
	wantZone     = "the ID of the Route 53 zone of DOMAIN_NAME, such as Z0123456789ABC"
)

func regionFile(text string) fstest.MapFS {
	return fstest.MapFS{RegionFile: {Data: []byte(text)}}
}

func TestLoadRefuses(t *testing.T) {
	one := func(name, value string) map[string]string { return map[string]string{name: value} }
	for name, c := range map[string]struct {
		environ map[string]string
		root    fstest.MapFS
		want    string
	}{
		"suffix in upper case":             {one("ENVIRONMENT_SUFFIX", "PR3522"), nil, "ENVIRONMENT_SUFFIX: got PR3522, want " + wantSuffix},
		"suffix of 17 characters":          {one("ENVIRONMENT_SUFFIX", "abcdefgh-12345678"), nil, "ENVIRONMENT_SUFFIX: got abcdefgh-12345678, want " + wantSuffix},
		"suffix with an underscore":        {one("ENVIRONMENT_SUFFIX", "pr_3522"), nil, "ENVIRONMENT_SUFFIX: got pr_3522, want " + wantSuffix},
		"suffix with a leading hyphen":     {one("ENVIRONMENT_SUFFIX", "-pr3522"), nil, "ENVIRONMENT_SUFFIX: got -pr3522, want " + wantSuffix},
		"suffix with a final hyphen":       {one("ENVIRONMENT_SUFFIX", "pr3522-"), nil, "ENVIRONMENT_SUFFIX: got pr3522-, want " + wantSuffix},
		"suffix with two hyphens in a row": {one("ENVIRONMENT_SUFFIX", "pr--3522"), nil, "ENVIRONMENT_SUFFIX: got pr--3522, want " + wantSuffix},
		"suffix with a line break":         {one("ENVIRONMENT_SUFFIX", "pr3522\n"), nil, "ENVIRONMENT_SUFFIX: got \"pr3522\\n\", want " + wantSuffix},
		"empty suffix":                     {one("ENVIRONMENT_SUFFIX", ""), nil, "ENVIRONMENT_SUFFIX: got nothing, want " + wantSuffix},

		"unknown region":                  {one("AWS_REGION", "eu-west-9"), nil, "AWS_REGION: got eu-west-9, want " + wantRegion},
		"empty region file":               {nil, regionFile(""), "lib/AWS_REGION: got nothing, want " + wantRegion},
		"zero-width space in region file": {nil, regionFile("eu-west-1\u200b\n"), `lib/AWS_REGION: got "eu-west-1\u200b", want ` + wantRegion},
		"two byte-order marks":            {nil, regionFile("\ufeff\ufeffeu-west-1"), `lib/AWS_REGION: got "\ufeffeu-west-1", want ` + wantRegion},
		"blank region file":               {nil, regionFile(" \n"), "lib/AWS_REGION: got nothing, want " + wantRegion},
		"unknown region in file":          {one("AWS_REGION", "eu-west-1"), regionFile("moon-1\n"), "lib/AWS_REGION: got moon-1, want " + wantRegion},
		"region file is a folder": {nil, fstest.MapFS{RegionFile + "/x": {}},
			"lib/AWS_REGION: read lib/AWS_REGION: invalid argument"},

		"suffix of the bootstrap's folder": {one("ENVIRONMENT_SUFFIX", "bootstrap"), nil,
			"ENVIRONMENT_SUFFIX: got bootstrap, want another suffix: the states in bootstrap/ are the account's"},
		"unknown profile": {one("PORTFOLIO_PROFILE", "staging"), nil, "PORTFOLIO_PROFILE: got staging, want preview, production, standard"},

		"malformed ARN": {one("CERTIFICATE_ARN", "arn:aws:iam::1:cert"), nil, "CERTIFICATE_ARN: got arn:aws:iam::1:cert, want " + wantARN},
		"ARN of another region": {one("CERTIFICATE_ARN", otherARN), nil,
			"CERTIFICATE_ARN: got " + otherARN + ", want a certificate in us-east-1, the load balancer's region"},
		"ARN and a domain": {map[string]string{"CERTIFICATE_ARN": goodARN, "DOMAIN_NAME": "app.example.com", "HOSTED_ZONE_ID": "Z0123456789ABC"}, nil,
			"DOMAIN_NAME: got app.example.com, want nothing together with CERTIFICATE_ARN"},
		"domain without zone": {one("DOMAIN_NAME", "app.example.com"), nil, "HOSTED_ZONE_ID: got nothing, want " + wantZone},
		"zone without domain": {one("HOSTED_ZONE_ID", "Z0123456789ABC"), nil, "DOMAIN_NAME: got nothing, want a host name in the zone HOSTED_ZONE_ID"},
		"malformed zone": {map[string]string{"DOMAIN_NAME": "app.example.com", "HOSTED_ZONE_ID": "/hostedzone/Z1"}, nil,
			"HOSTED_ZONE_ID: got /hostedzone/Z1, want " + wantZone},
		"malformed domain": {map[string]string{"DOMAIN_NAME": "https://app", "HOSTED_ZONE_ID": "Z0123456789ABC"}, nil,
			"DOMAIN_NAME: got https://app, want a host name of up to 64 characters such as app.example.com"},

		"state bucket in upper case":     {one("TERRAFORM_STATE_BUCKET", "States"), nil, "TERRAFORM_STATE_BUCKET: got States, want " + wantBucket},
		"state bucket too short":         {one("TERRAFORM_STATE_BUCKET", "ab"), nil, "TERRAFORM_STATE_BUCKET: got ab, want " + wantBucket},
		"state bucket too long":          {one("TERRAFORM_STATE_BUCKET", strings.Repeat("a", 64)), nil, "TERRAFORM_STATE_BUCKET: got " + strings.Repeat("a", 64) + ", want " + wantBucket},
		"state bucket with two dots":     {one("TERRAFORM_STATE_BUCKET", "my..states"), nil, "TERRAFORM_STATE_BUCKET: got my..states, want " + wantBucket},
		"state bucket like an address":   {one("TERRAFORM_STATE_BUCKET", "192.168.5.4"), nil, "TERRAFORM_STATE_BUCKET: got 192.168.5.4, want " + wantBucket},
		"state bucket reserved at front": {one("TERRAFORM_STATE_BUCKET", "xn--states"), nil, "TERRAFORM_STATE_BUCKET: got xn--states, want " + wantBucket},
		"state bucket reserved at end":   {one("TERRAFORM_STATE_BUCKET", "states-s3alias"), nil, "TERRAFORM_STATE_BUCKET: got states-s3alias, want " + wantBucket},
		"state bucket's region":          {one("TERRAFORM_STATE_BUCKET_REGION", "us"), nil, "TERRAFORM_STATE_BUCKET_REGION: got us, want an AWS region such as us-east-1"},

		"Blue/Green with a replica": {map[string]string{"RDS_BLUE_GREEN": "on", "RDS_READ_REPLICA": "on"}, nil,
			"RDS_BLUE_GREEN: got on together with a read replica, want one of the two: a Blue/Green switchover orphans the replica, so set RDS_READ_REPLICA=off for that apply"},
		"Blue/Green with a profile's replica": {map[string]string{"RDS_BLUE_GREEN": "on", "PORTFOLIO_PROFILE": "production", "CERTIFICATE_ARN": goodARN}, nil,
			"RDS_BLUE_GREEN: got on together with a read replica, want one of the two: a Blue/Green switchover orphans the replica, so set RDS_READ_REPLICA=off for that apply"},
		"neither on nor off":  {one("RDS_READ_REPLICA", "yes"), nil, "RDS_READ_REPLICA: got yes, want on or off"},
		"access logs":         {one("API_ACCESS_LOGS", "1"), nil, "API_ACCESS_LOGS: got 1, want on or off"},
		"deletion protection": {one("DELETION_PROTECTION", "no"), nil, "DELETION_PROTECTION: got no, want on or off"},
		"unknown source":      {one("QUOTE_SOURCES", "ecb,yahoo"), nil, "QUOTE_SOURCES: got ecb,yahoo, want " + setting.SourcesForm},
		"unknown stream":      {one("QUOTE_STREAMS", "on"), nil, "QUOTE_STREAMS: got on, want " + setting.SourcesForm},
		"interval":            {one("QUOTE_INTERVAL", "0s"), nil, "QUOTE_INTERVAL: got 0s, want 1s to 24h"},
		"no secret":           {one("QUOTE_SOURCE_SECRET_ARN", "twelvedata"), nil, "QUOTE_SOURCE_SECRET_ARN: got twelvedata, want arn:aws:secretsmanager:<region>:<12-digit account>:secret:<name>"},
		"secret elsewhere": {one("QUOTE_SOURCE_SECRET_ARN", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:quotes-AbCdEf"), nil,
			"QUOTE_SOURCE_SECRET_ARN: got arn:aws:secretsmanager:eu-west-1:123456789012:secret:quotes-AbCdEf, want a secret in us-east-1, the platform's region"},
		"provider without TLS": {map[string]string{"OIDC_ISSUER": "https://id.example", "OIDC_CLIENT_ID": "x", "OIDC_OWNERS": goodOwners}, nil,
			"OIDC_ISSUER: got https://id.example, want nothing without a certificate: people sign in over HTTPS only"},
		"provider without client": {map[string]string{"OIDC_ISSUER": "https://id.example", "OIDC_OWNERS": goodOwners, "CERTIFICATE_ARN": goodARN}, nil,
			"OIDC_CLIENT_ID: got nothing, want " + setting.ClientIDForm},
		"client's secret elsewhere": {map[string]string{"OIDC_ISSUER": "https://id.example", "OIDC_CLIENT_ID": "x", "OIDC_OWNERS": goodOwners,
			"CERTIFICATE_ARN": goodARN, "OIDC_CLIENT_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:oidc-AbCdEf"}, nil,
			"OIDC_CLIENT_SECRET_ARN: got arn:aws:secretsmanager:eu-west-1:123456789012:secret:oidc-AbCdEf, want a secret in us-east-1, the platform's region"},
		"alarm on the feed":  {one("QUOTE_AGE_ALARM", "weekdays"), nil, "QUOTE_AGE_ALARM: got weekdays, want on or off"},
		"major version":      {one("DB_ENGINE_VERSION", "15"), nil, "DB_ENGINE_VERSION: got 15, want " + wantVersion},
		"next major version": {one("DB_ENGINE_VERSION", "16.3"), nil, "DB_ENGINE_VERSION: got 16.3, want " + wantVersion},
		"production without TLS": {one("PORTFOLIO_PROFILE", "production"), nil,
			"CERTIFICATE_ARN: got nothing, want a certificate, or DOMAIN_NAME and HOSTED_ZONE_ID, because production does not serve plain HTTP"},
		"operating system": {one("AMAZON_LINUX", "2"), nil, "AMAZON_LINUX: got 2, want al2 or al2023"},
		"hidden in the alarm address": {one("ALARM_EMAIL", "\ufeffops@example.com"), nil,
			`ALARM_EMAIL: got "\ufeffops@example.com", want an e-mail address of up to 254 visible ASCII characters`},
		"long alarm address": {one("ALARM_EMAIL", strings.Repeat("a", 250)+"@example.com"), nil,
			"ALARM_EMAIL: got " + strings.Repeat("a", 250) +
				"@example.com, want an e-mail address of up to 254 visible ASCII characters"},
		"alarm address": {one("ALARM_EMAIL", "Ops <ops@example.com>"), nil, "ALARM_EMAIL: got Ops <ops@example.com>, want an e-mail address of up to 254 visible ASCII characters"},
		"boundary": {one("PERMISSIONS_BOUNDARY_ARN", "portfolio-preview"), nil,
			"PERMISSIONS_BOUNDARY_ARN: got portfolio-preview, want arn:aws:iam::<12-digit account>:policy/<name>"},
		"endpoint is not a URL": {one("AWS_ENDPOINT_URL", "localhost:4566"), nil, "AWS_ENDPOINT_URL: got localhost:4566, want a URL such as http://127.0.0.1:4566"},
		"endpoint has no host":  {one("AWS_ENDPOINT_URL", "http://"), nil, "AWS_ENDPOINT_URL: got http://, want a URL such as http://127.0.0.1:4566"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Load(c.environ, c.root)
			require.EqualError(t, err, c.want)
			require.Zero(t, got)
		})
	}
}

// Settings are written to Terraform's configuration, which would evaluate them.
func TestTemplatesAreRefused(t *testing.T) {
	for field := range reflect.TypeFor[settings]().Fields() {
		name := field.Tag.Get("env")
		for _, value := range []string{"${x}@example.com", "%{ if true }a%{ endif }",
			"http://${aws_vpc.x.id}", "$${x}"} {
			got, err := Load(map[string]string{name: value}, fstest.MapFS{})
			switch name {
			case "COMMIT_SHA", "COMMIT_AUTHOR", "REPOSITORY": // tags, in which the characters are replaced
				require.NoError(t, err, name)
				require.NotContains(t, got.Tags["CommitAuthor"]+got.Tags["Repository"]+got.Release.Commit, "{")
			default:
				require.Error(t, err, name)
				require.Equal(t, name+": got "+value+", want "+wantTemplate, strings.Split(err.Error(), "\n")[0])
				require.Equal(t, 1, strings.Count(err.Error(), name+":"), "%s is reported once", name)
			}
		}
	}
	for field := range reflect.TypeFor[bootstrapSettings]().Fields() {
		name := field.Tag.Get("env")
		_, err := LoadBootstrap(map[string]string{"GITHUB_REPOSITORY": "octo/portfolio", name: "${x}"}, fstest.MapFS{})
		require.ErrorContains(t, err, name+": got ${x}, want "+wantTemplate)
	}
}

func TestRegionFile(t *testing.T) {
	got, err := Load(nil, regionFile("\ufeffeu-west-1\r\n"))
	require.NoError(t, err)
	require.Equal(t, "eu-west-1", got.Region, "after a byte-order mark")

	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, "lib"), 0o755))
	require.NoError(t, os.Symlink("/no/such/file", filepath.Join(root, RegionFile)))
	for _, environ := range []map[string]string{nil, {"AWS_REGION": "eu-west-1"}} {
		_, err = Load(environ, os.DirFS(root))
		require.EqualError(t, err, "lib/AWS_REGION: got a link to /no/such/file, which does not exist, want a file with an AWS region in lib/AWS_REGION, or none")
	}
	root = t.TempDir()
	require.NoError(t, os.Symlink("nowhere", filepath.Join(root, "lib")))
	_, err = Load(nil, os.DirFS(root))
	require.EqualError(t, err,
		"lib: got a link to nowhere, which does not exist, want a file with an AWS region in lib/AWS_REGION, or none")
}

func TestLoadReportsEveryProblem(t *testing.T) {
	_, err := Load(map[string]string{
		"ENVIRONMENT_SUFFIX": "UPPER", "AWS_REGION": "nowhere", "TERRAFORM_STATE_BUCKET": "a",
		"PORTFOLIO_PROFILE": "other", "DOMAIN_NAME": "app.example.com", "RDS_BLUE_GREEN": "maybe",
	}, fstest.MapFS{})
	require.EqualError(t, err, strings.Join([]string{
		"PORTFOLIO_PROFILE: got other, want preview, production, standard",
		"RDS_BLUE_GREEN: got maybe, want on or off",
		"ENVIRONMENT_SUFFIX: got UPPER, want " + wantSuffix,
		"AWS_REGION: got nowhere, want " + wantRegion,
		"TERRAFORM_STATE_BUCKET: got a, want " + wantBucket,
		"HOSTED_ZONE_ID: got nothing, want " + wantZone,
	}, "\n"))
}

func TestLoadDefaults(t *testing.T) {
	for name, environ := range map[string]map[string]string{
		"nothing set":    nil,
		"all but suffix": {"AWS_REGION": "", "TERRAFORM_STATE_BUCKET": "", "PORTFOLIO_PROFILE": "", "AWS_ENDPOINT_URL": "", "API_ACCESS_LOGS": ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Load(environ, fstest.MapFS{})
			require.NoError(t, err)
			require.Equal(t, Config{
				Quotes:  Quotes{Sources: []string{"ecb"}, Interval: time.Minute},
				Names:   NewNames("dev"),
				Region:  "us-east-1",
				State:   State{Bucket: "iac-rlhf-tf-states", Region: "us-east-1", Key: "dev/portfolio-dev.tfstate"},
				Release: Release{Commit: "unknown", Profile: "standard", Author: "unknown"},
				Profile: Standard(),
				FixedTags: map[string]string{"Project": "portfolio-tracking",
					"Environment": "dev", "ManagedBy": "cdktf"},
				Tags: map[string]string{"Project": "portfolio-tracking", "Environment": "dev",
					"Repository": "unknown", "CommitAuthor": "unknown", "ManagedBy": "cdktf"},
			}, got)
		})
	}
}

func TestLoadAccepts(t *testing.T) {
	for name, c := range map[string]struct {
		environ map[string]string
		root    fstest.MapFS
		check   func(t *testing.T, got Config)
	}{
		"region file over AWS_REGION, white space around it": {map[string]string{"AWS_REGION": "eu-west-1"}, regionFile("ap-southeast-2\n"),
			func(t *testing.T, got Config) { require.Equal(t, "ap-southeast-2", got.Region) }},
		"suffix of one character": {map[string]string{"ENVIRONMENT_SUFFIX": "a"}, nil,
			func(t *testing.T, got Config) { require.Equal(t, "portfolio-a", got.Names.Stack) }},
		"suffix of 16 characters": {map[string]string{"ENVIRONMENT_SUFFIX": "abcdefgh-1234567"}, nil,
			func(t *testing.T, got Config) {
				require.Equal(t, "abcdefgh-1234567/portfolio-abcdefgh-1234567.tfstate", got.State.Key)
			}},
		"certificate": {map[string]string{"CERTIFICATE_ARN": otherARN, "AWS_REGION": "eu-west-1"}, nil,
			func(t *testing.T, got Config) { require.Equal(t, Certificate{ARN: otherARN}, got.Certificate) }},
		"domain": {map[string]string{"DOMAIN_NAME": "app.example.com", "HOSTED_ZONE_ID": "Z0123456789ABC"}, nil,
			func(t *testing.T, got Config) { require.True(t, got.Certificate.HTTPS()) }},
		"replica off in production": {map[string]string{"PORTFOLIO_PROFILE": "production", "CERTIFICATE_ARN": goodARN, "RDS_READ_REPLICA": "off", "RDS_BLUE_GREEN": "true"}, nil,
			func(t *testing.T, got Config) {
				require.False(t, got.Database.ReadReplica)
				require.True(t, got.Database.BlueGreen)
			}},
		"a minor version": {map[string]string{"DB_ENGINE_VERSION": "15.16"}, nil,
			func(t *testing.T, got Config) { require.Equal(t, "15.16", got.Database.EngineVersion) }},
		"production's protection lifted": {map[string]string{"PORTFOLIO_PROFILE": "production", "CERTIFICATE_ARN": goodARN, "DELETION_PROTECTION": "off"}, nil,
			func(t *testing.T, got Config) {
				require.False(t, got.Database.DeletionProtection)
				require.False(t, got.Compute.DeletionProtection)
				require.True(t, got.Database.FinalSnapshot)
			}},
		"a feed that pauses": {map[string]string{"QUOTE_AGE_ALARM": "off"}, nil,
			func(t *testing.T, got Config) { require.False(t, got.Monitoring.QuoteAgeAlarm) }},
		"sources by default": {nil, nil,
			func(t *testing.T, got Config) {
				require.Equal(t, Quotes{Sources: []string{"ecb"}, Interval: time.Minute}, got.Quotes)
			}},
		"sources": {map[string]string{"QUOTE_SOURCES": "ecb,twelvedata", "QUOTE_STREAMS": "twelvedata", "QUOTE_INTERVAL": "5m",
			"QUOTE_SOURCE_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:quotes-AbCdEf"}, nil,
			func(t *testing.T, got Config) {
				require.Equal(t, Quotes{Sources: []string{"ecb", "twelvedata"}, Streams: []string{"twelvedata"},
					Interval:  5 * time.Minute,
					SecretARN: "arn:aws:secretsmanager:us-east-1:123456789012:secret:quotes-AbCdEf"}, got.Quotes)
			}},
		"no source": {map[string]string{"QUOTE_SOURCES": "none"}, nil,
			func(t *testing.T, got Config) { require.Empty(t, got.Quotes.Sources) }},
		"operating system": {map[string]string{"AMAZON_LINUX": "al2023"}, nil,
			func(t *testing.T, got Config) { require.Equal(t, AmazonLinux2023, got.Compute.AmazonLinux) }},
		"emulator": {map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}, nil,
			func(t *testing.T, got Config) {
				require.Equal(t, Emulator{PathStyleS3: true, SkipCapacityWait: true,
					FunctionProxyAddress: "http://127.0.0.1:4566"}, got.Emulator)
			}},
		"boundary": {map[string]string{"PERMISSIONS_BOUNDARY_ARN": "arn:aws:iam::123456789012:policy/portfolio-preview-boundary"}, nil,
			func(t *testing.T, got Config) {
				require.Equal(t, "arn:aws:iam::123456789012:policy/portfolio-preview-boundary", got.Boundary)
			}},
		"a commit": {map[string]string{"COMMIT_SHA": "0123abc<script>", "PORTFOLIO_PROFILE": "preview", "COMMIT_AUTHOR": "Zoë <z>"}, nil,
			func(t *testing.T, got Config) {
				require.Equal(t, Release{Commit: "0123abc_script_", Profile: "preview", Author: "Zoë _z_"}, got.Release)
			}},
		"an author AWS would refuse": {map[string]string{"COMMIT_AUTHOR": `Zoë "Z" <zoe@example.com>`, "REPOSITORY": strings.Repeat("ä", 300)}, nil,
			func(t *testing.T, got Config) {
				require.Equal(t, "Zoë _Z_ _zoe@example.com_", got.Tags["CommitAuthor"])
				require.Equal(t, strings.Repeat("ä", 256), got.Tags["Repository"])
			}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Load(c.environ, c.root)
			require.NoError(t, err)
			c.check(t, got)
		})
	}
}

const goodOwners = `[{"subject":"1","owner":"ada","scopes":["read"]}]`

// The owners may be written on several lines; the service's environment has one for each
// variable.
func TestOwnersBecomeOneLine(t *testing.T) {
	c, err := Load(map[string]string{"OIDC_ISSUER": "https://id.example", "OIDC_CLIENT_ID": "x",
		"CERTIFICATE_ARN": goodARN,
		"OIDC_OWNERS":     "[\n  {\"subject\": \"1\", \"owner\": \"ada\", \"scopes\": [\"read\"]}\n]\n"}, fstest.MapFS{})
	require.NoError(t, err)
	require.Equal(t, goodOwners, c.SignIn.Owners)
}
