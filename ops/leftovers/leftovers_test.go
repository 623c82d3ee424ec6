package leftovers

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"portfolio/config"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNamesOf(t *testing.T) {
	for name, want := range map[string]bool{
		"portfolio-vpc-pr7":                                       true,
		"portfolio-private-rt-2-pr7":                              true,
		"portfolio-alb-5xx-pr7":                                   true,
		"portfolio-pr7":                                           true,
		"alias/portfolio-alarms-pr7":                              true,
		"portfolio-hist-pr7-0123456789":                           false,
		"portfolio-hist-pr7-012345678901":                         true,
		"portfolio-signing-key-pr7-20261124170000000000000001":    true,
		"/aws/rds/instance/portfolio-holdings-db-pr7/postgresql":  true,
		"arn:aws:sns:us-east-1:000000000000:portfolio-alarms-pr7": true,
		"":                      false,
		"portfolio-vpc-pr70":    false,
		"portfolio-vpc-pr7-x":   false,
		"portfolio-vpc-xpr7":    false,
		"portfolio-vpc-dev":     false,
		"myportfolio-vpc-pr7":   false,
		"some-role-pr7":         false,
		"portfolio-holdings-db": false,
	} {
		assert.Equal(t, want, namesOf("pr7").MatchString(name), name)
	}
}

// account answers every call of every service: with what a test says of it, or
// else with an empty list in the protocol of the call.
type account map[string]string

func (a account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, action, isJSON := strings.Cut(r.Header.Get("X-Amz-Target"), "."); isJSON {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		a.write(w, action, "{%s}")
		return
	}
	if action := r.FormValue("Action"); action != "" {
		w.Header().Set("Content-Type", "text/xml")
		format := "<%[1]sResponse><%[1]sResult>%%s</%[1]sResult></%[1]sResponse>"
		if strings.Contains(r.Header.Get("Authorization"), "/ec2/") {
			format = "<%[1]sResponse>%%s</%[1]sResponse>"
		}
		a.write(w, action, fmt.Sprintf(format, action))
		return
	}
	if r.URL.Path == "/" {
		a.write(w, "ListBuckets", "<ListAllMyBucketsResult>%s</ListAllMyBucketsResult>")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	a.write(w, r.URL.Path, "{%s}")
}

func (a account) write(w http.ResponseWriter, action, format string) {
	body := a[action]
	if body == "refused" {
		w.WriteHeader(http.StatusForbidden)
		body = `<Error><Code>AccessDenied</Code></Error>`
		if strings.HasPrefix(format, "{") {
			format, body = "%s", `{"__type": "AccessDeniedException"}`
		}
	}
	fmt.Fprintf(w, format, body)
}

// find returns what is left of a preview, of which nothing is kept.
func find(t *testing.T, a account) ([]string, error) {
	t.Helper()
	found, err := findAll(t, a, config.Preview())
	assert.Empty(t, found.Kept)
	return found.Left, err
}

func findAll(t *testing.T, a account, profile config.Profile) (Resources, error) {
	t.Helper()
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	return Find(t.Context(), aws.Config{
		Region: "eu-west-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}, "pr7", profile)
}

func TestFind(t *testing.T) {
	const tags = `<tagSet><item><key>Name</key><value>portfolio-x-pr7</value></item></tagSet>`
	got, err := find(t, account{
		"DescribeVpcs":         `<vpcSet><item><vpcId>vpc-1</vpcId>` + tags + `</item></vpcSet>`,
		"DescribeNatGateways":  `<natGatewaySet><item><natGatewayId>nat-1</natGatewayId><state>deleted</state>` + tags + `</item></natGatewaySet>`,
		"DescribeInstances":    `<reservationSet><item><instancesSet><item><instanceId>i-1</instanceId><instanceState><name>terminated</name></instanceState>` + tags + `</item></instancesSet></item></reservationSet>`,
		"DescribeVpcEndpoints": `<vpcEndpointSet><item><vpcEndpointId>vpce-1</vpcEndpointId><state>deleted</state>` + tags + `</item></vpcEndpointSet>`,
		"ListSecrets":          `"SecretList": [{"ARN": "arn:aws:secretsmanager:eu-west-1:1:secret:s-1", "Name": "portfolio-s-pr7", "DeletedDate": 1}]`,
		"ListBuckets":          `<Buckets><Bucket><Name>portfolio-hist-pr7-000000000000</Name></Bucket><Bucket><Name>portfolio-hist-dev-000000000000</Name></Bucket></Buckets>`,
		"/v2/apis":             `"items": [{"name": "portfolio-ws-api-pr7"}]`,
		"DescribeLogGroups":    `"logGroups": [{"logGroupName": "/aws/lambda/portfolio-ws-handler-pr7"}]`,
		"DescribeKey":          `"KeyMetadata": {"KeyId": "k-1", "DeletionDate": 1}`,
		"GetResources": `"ResourceTagMappingList": [{"ResourceARN": "arn:aws:ec2:eu-west-1:1:instance/i-1"},
			{"ResourceARN": "arn:aws:ec2:eu-west-1:1:natgateway/nat-1"}, {"ResourceARN": "arn:aws:kms:eu-west-1:1:key/k-1"},
			{"ResourceARN": "arn:aws:secretsmanager:eu-west-1:1:secret:s-1"}, {"ResourceARN": "arn:aws:ec2:eu-west-1:1:volume/vol-1"}]`,
	})
	require.NoError(t, err)
	assert.Equal(t, []string{
		"API portfolio-ws-api-pr7",
		"VPC portfolio-x-pr7",
		"bucket portfolio-hist-pr7-000000000000",
		"log group /aws/lambda/portfolio-ws-handler-pr7",
		"tagged arn:aws:ec2:eu-west-1:1:volume/vol-1",
	}, got)
}

const (
	finalSnapshot = "portfolio-holdings-db-pr7-final-4b7c61e4-9e4c-4f6c-8c53-0a4d7f0f8a11"
	rdsPrefix     = "arn:aws:rds:eu-west-1:1:"
)

func dbSnapshot(name, kind, instance string) string {
	return "<DBSnapshot><DBSnapshotIdentifier>" + name + "</DBSnapshotIdentifier>" +
		"<SnapshotType>" + kind + "</SnapshotType>" +
		"<DBInstanceIdentifier>" + instance + "</DBInstanceIdentifier>" +
		"<DBSnapshotArn>" + rdsPrefix + "snapshot:" + name + "</DBSnapshotArn></DBSnapshot>"
}

func automatedBackup(id, status, instance string) string {
	return "<DBInstanceAutomatedBackup>" +
		"<DBInstanceAutomatedBackupsArn>" + rdsPrefix + "auto-backup:" + id + "</DBInstanceAutomatedBackupsArn>" +
		"<Status>" + status + "</Status>" +
		"<DBInstanceIdentifier>" + instance + "</DBInstanceIdentifier></DBInstanceAutomatedBackup>"
}

func cacheSnapshot(name, expiry, cache string) string {
	return "<ServerlessCacheSnapshot><ServerlessCacheSnapshotName>" + name + "</ServerlessCacheSnapshotName>" + expiry +
		"<ServerlessCacheConfiguration><ServerlessCacheName>" + cache +
		"</ServerlessCacheName></ServerlessCacheConfiguration></ServerlessCacheSnapshot>"
}

// destroyed is an account after the destruction of pr7: with the resources that
// outlive it, whose key is described by key, and resources of others.
func destroyed(key string) account {
	const db, cache = "portfolio-holdings-db-pr7", "portfolio-market-cache-pr7"
	return account{
		"DescribeDBSnapshots": "<DBSnapshots>" +
			dbSnapshot(finalSnapshot, "manual", db) +
			dbSnapshot("before-upgrade", "manual", db) +
			dbSnapshot("rds:portfolio-holdings-db-pr7-2026", "automated", db) +
			dbSnapshot("x", "manual", "portfolio-holdings-db-pr70") + "</DBSnapshots>",
		"DescribeDBInstanceAutomatedBackups": "<DBInstanceAutomatedBackups>" +
			automatedBackup("ab-1", "retained", db) +
			automatedBackup("ab-2", "active", db) +
			automatedBackup("ab-3", "retained", "portfolio-holdings-db-dev") + "</DBInstanceAutomatedBackups>",
		"DescribeServerlessCacheSnapshots": "<ServerlessCacheSnapshots>" +
			cacheSnapshot("by-hand", "", cache) +
			cacheSnapshot("daily", "<ExpiryTime>2026-12-01T03:00:00Z</ExpiryTime>", cache) +
			cacheSnapshot("theirs", "", "portfolio-market-cache-dev") + "</ServerlessCacheSnapshots>",
		"ListBuckets": `<Buckets><Bucket><Name>portfolio-hist-pr7-000000000000</Name></Bucket>
			<Bucket><Name>portfolio-logs-pr7-000000000000</Name></Bucket>
			<Bucket><Name>portfolio-artifacts-pr7-000000000000</Name></Bucket></Buckets>`,
		"ListSecrets": `"SecretList": [{"ARN": "arn:aws:secretsmanager:eu-west-1:1:secret:s-1",
			"Name": "portfolio-signing-key-pr7-20261124170000000000000001", "DeletedDate": 1796000000}]`,
		"DescribeKey": `"KeyMetadata": {"KeyId": "k-1", ` + key + `}`,
		"GetResources": `"ResourceTagMappingList": [{"ResourceARN": "` + rdsPrefix + "snapshot:" + finalSnapshot + `"},
			{"ResourceARN": "` + rdsPrefix + `auto-backup:ab-1"}, {"ResourceARN": "` + rdsPrefix + `auto-backup:ab-2"},
			{"ResourceARN": "` + rdsPrefix + `snapshot:rds:portfolio-holdings-db-pr7-2026"},
			{"ResourceARN": "` + rdsPrefix + `snapshot:gone"},
			{"ResourceARN": "arn:aws:s3:::portfolio-hist-pr7-000000000000"},
			{"ResourceARN": "arn:aws:kms:eu-west-1:1:key/k-1"}]`,
	}
}

// What outlives an environment is kept if its profile says so, and left otherwise.
func TestFindWhatOutlivesAnEnvironment(t *testing.T) {
	const (
		data   = `"Description": "Data of portfolio-pr7"`
		alarms = `"Description": "Alarm topic of portfolio-pr7"`
		ending = `"DeletionDate": 1796000000`

		artifacts = "bucket portfolio-artifacts-pr7-000000000000"
		history   = "bucket portfolio-hist-pr7-000000000000"
		logs      = "bucket portfolio-logs-pr7-000000000000"
		byHand    = "cache snapshot by-hand"
		daily     = "cache snapshot daily, expires on 2026-12-01"
		k         = "key k-1"
		secret    = "secret portfolio-signing-key-pr7-20261124170000000000000001, deleted on 2026-11-30"
	)
	backups := []string{
		"DB snapshot before-upgrade", "DB snapshot " + finalSnapshot, "automated backups " + rdsPrefix + "auto-backup:ab-1",
	}
	for name, c := range map[string]struct {
		profile config.Profile
		key     string
		want    Resources
	}{
		"production": {config.Production(), data, Resources{
			Left:   []string{artifacts, byHand},
			Kept:   append(backups, history, logs, k),
			Ending: []string{daily, secret},
		}},
		"production, the alarms' key": {config.Production(), alarms, Resources{
			Left:   []string{artifacts, byHand, k},
			Kept:   append(backups, history, logs),
			Ending: []string{daily, secret},
		}},
		"standard": {config.Standard(), ending, Resources{
			Left:   append(backups, artifacts, logs, byHand),
			Kept:   []string{history},
			Ending: []string{daily, k + ", deleted on 2026-11-30", secret},
		}},
		"preview": {config.Preview(), data, Resources{
			Left:   append(backups, artifacts, history, logs, byHand, k),
			Ending: []string{daily, secret},
		}},
	} {
		got, err := findAll(t, destroyed(c.key), c.profile)
		require.NoError(t, err, name)
		assert.ElementsMatch(t, c.want.Left, got.Left, name)
		assert.ElementsMatch(t, c.want.Kept, got.Kept, name)
		assert.Equal(t, c.want.Ending, got.Ending, name)
	}
}

// The tagging API lists what is deleted for a while: the service itself does not.
func TestFindAsksTheService(t *testing.T) {
	gone := []string{
		"arn:aws:rds:eu-west-1:1:db:other-name", "arn:aws:rds:eu-west-1:1:pg:p", "arn:aws:rds:eu-west-1:1:subgrp:s", "arn:aws:elasticache:eu-west-1:1:serverlesscache:c",
		"arn:aws:s3:::b", "arn:aws:lambda:eu-west-1:1:function:f", "arn:aws:logs:eu-west-1:1:log-group:/aws/l:*", "arn:aws:cloudwatch:eu-west-1:1:alarm:a",
		"arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/l/0a", "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/t/0a",
		"arn:aws:sns:eu-west-1:1:topic", "arn:aws:secretsmanager:eu-west-1:1:secret:s-AbC123", "arn:aws:autoscaling:eu-west-1:1:autoScalingGroup:u:autoScalingGroupName/g",
	}
	there := []string{"arn:aws:ec2:eu-west-1:1:volume/vol-1",
		"arn:aws:elasticloadbalancing:eu-west-1:1:listener/app/l/0a/0b", "arn:aws:lambda:eu-west-1:1:function:still"}
	var tagged []string
	for _, arn := range append(gone, there...) {
		tagged = append(tagged, `{"ResourceARN": "`+arn+`"}`)
	}
	got, err := find(t, account{
		"GetResources":           `"ResourceTagMappingList": [` + strings.Join(tagged, ",") + `]`,
		"/2015-03-31/functions/": `"Functions": [{"FunctionName": "still"}]`,
		"/2015-03-31/functions":  `"Functions": [{"FunctionName": "still"}]`,
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"tagged " + there[0], "tagged " + there[1], "tagged " + there[2]}, got)
}

func TestFindNothing(t *testing.T) {
	got, err := find(t, account{})
	require.NoError(t, err)
	assert.Empty(t, got)
}

// What cannot be listed is never assumed to be gone.
func TestFindProvesNothingWithoutEveryList(t *testing.T) {
	for action, kind := range map[string]string{
		"DescribeVpcs": "list every VPC: ", "DescribeAddresses": "list every Elastic IP: ", "GetResources": "list every tagged resource: ",
		"/v2/apis": "list every API: ", "ListBuckets": "list every bucket: ",
		"DescribeDBSnapshots": "list every DB snapshot: ", "DescribeServerlessCacheSnapshots": "list every cache snapshot: ",
	} {
		got, err := find(t, account{action: "refused"})
		require.ErrorContains(t, err, kind, action)
		assert.Nil(t, got)
	}
}
