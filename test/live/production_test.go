package live

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"portfolio/local/platform"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// production is an environment with production's profile and every setting that creates
// something but the read replica, deployed and destroyed with the commands that people use.
type production struct {
	p        *platform.Platform
	suffix   string
	settings map[string]string
}

// productions deploys production, plans it again and destroys it.
func productions(t *testing.T, p *platform.Platform) {
	e := newProduction(t, p, "prod")
	e.deploys(t)
	e.unprotects(t)
	e.unchanged(t)
	e.destroyed(t)
}

func newProduction(t *testing.T, p *platform.Platform, suffix string) production {
	t.Helper()
	zones, err := route53.NewFromConfig(sdk(t, p)).ListHostedZones(t.Context(), &route53.ListHostedZonesInput{})
	require.NoError(t, err)
	require.Len(t, zones.HostedZones, 1)
	return production{p, suffix, productionSettings(suffix, strings.TrimPrefix(*zones.HostedZones[0].Id, "/hostedzone/"))}
}

// productionSettings are the settings of production with a name in a zone, and without a
// read replica.
func productionSettings(suffix, zone string) map[string]string {
	return map[string]string{
		"PORTFOLIO_PROFILE": "production", "DOMAIN_NAME": suffix + "." + platform.Domain, "HOSTED_ZONE_ID": zone,
		"API_ACCESS_LOGS": "on", "ALARM_EMAIL": "ops@example.com", "CI": "true", "RDS_READ_REPLICA": "off",
	}
}

// shell runs commands in the top folder, as the workflow that deploys production. They get
// the suffix in a variable of this name.
func (e production) shell(t *testing.T, script, suffixVariable string) (string, error) {
	t.Helper()
	environ := maps.Clone(e.settings)
	environ[suffixVariable] = e.suffix
	cmd := command(t, "sh", "-euc", script)
	cmd.Env = list(emulated(t, e.p, platform.DeploysProduction, environ))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (e production) make(t *testing.T, target string) (string, error) {
	t.Helper()
	return e.shell(t, "make "+target, "ENVIRONMENT_SUFFIX")
}

// deploys deploys, and again while the first deploy holds the lock: the second names it.
func (e production) deploys(t *testing.T) {
	t.Run("at once", func(t *testing.T) {
		ended := make(chan struct{})
		t.Run("first", func(t *testing.T) {
			t.Parallel()
			defer close(ended)
			out, err := e.make(t, "deploy")
			require.NoError(t, err, out)
			assert.Contains(t, out, "preflight of portfolio-"+e.suffix+": account 000000000000, us-east-1")
		})
		t.Run("second", func(t *testing.T) {
			t.Parallel()
			held := e.lock(t, ended)
			out, err := e.make(t, "deploy")
			require.Error(t, err, out)
			for _, part := range []string{held.Who, held.ID, held.Created[:len("2006-01-02")]} {
				assert.Contains(t, out, part)
			}
		})
	})
	out, err := e.make(t, "outputs")
	require.NoError(t, err, out)
	assert.Contains(t, out, databaseOf(e.suffix))
}

// lock returns the lock of a deploy, once it holds one. It fails if the deploy ends first.
func (e production) lock(t *testing.T, ended <-chan struct{}) (held lockInfo) {
	t.Helper()
	for {
		if text, locked := readObject(t, e.p, stateOf(e.suffix)+".tflock"); locked {
			require.NoError(t, json.Unmarshal(text, &held))
			require.NotEmpty(t, held.ID)
			return held
		}
		select {
		case <-ended:
			require.FailNow(t, "the deploy held no lock")
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// unprotects lifts the protection, as the first half of the document's commands does. It
// changes nothing else. Without it the database can be deleted.
func (e production) unprotects(t *testing.T) {
	databases := rds.NewFromConfig(sdk(t, e.p))
	_, err := databases.DeleteDBInstance(t.Context(), &rds.DeleteDBInstanceInput{
		DBInstanceIdentifier: aws.String(databaseOf(e.suffix)), SkipFinalSnapshot: aws.Bool(true),
	})
	require.ErrorContains(t, err, "DeletionProtection")
	assert.True(t, e.database(t, databaseOf(e.suffix)).DeletionProtection)
	lift, _ := teardown(t)
	out, err := e.shell(t, lift, "S")
	require.NoError(t, err, out)
	assert.Regexp(t, `aws_db_instance\.database_primary_\w+.: database: update .deletion_protection.\n`, out)
	assert.False(t, e.database(t, databaseOf(e.suffix)).DeletionProtection)
}

// database is what the test reads of a DB instance.
type database struct {
	DeletionProtection bool
	Key                string
	Source             string // of a replica
}

func (e production) database(t *testing.T, name string) database {
	t.Helper()
	databases := rds.NewFromConfig(sdk(t, e.p))
	found, err := databases.DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &name})
	require.NoError(t, err)
	require.Len(t, found.DBInstances, 1)
	one := found.DBInstances[0]
	return database{aws.ToBool(one.DeletionProtection), aws.ToString(one.KmsKeyId),
		aws.ToString(one.ReadReplicaSourceDBInstanceIdentifier)}
}

// unchanged plans the environment without its protection, as the workflow that plans it.
func (e production) unchanged(t *testing.T) {
	settings := maps.Clone(e.settings)
	settings["DELETION_PROTECTION"] = "off"
	tf := stackTerraform(t, e.p, platform.PlansMain, synthesize(t, e.p, e.suffix, settings), settings)
	onlyDrift(t, changesOf(planned(t, tf)))
}

// destroyed destroys the environment with the second half of the document's commands. What
// must stay readable is left, with its key.
func (e production) destroyed(t *testing.T) {
	key := e.database(t, databaseOf(e.suffix)).Key
	_, destroy := teardown(t)
	out, err := e.shell(t, destroy, "S")
	require.NoError(t, err, out)
	out, err = runOpsWith(t, e.p, platform.DeploysProduction, e.suffix, e.settings, "leftovers")
	require.NoError(t, err, out)
	for _, kept := range []string{
		"left: 0\n", "\n  bucket portfolio-hist-" + e.suffix, "\n  bucket portfolio-logs-" + e.suffix, "\n  key ",
		"\n  automated backups arn:aws:rds:", "\n  DB snapshot " + databaseOf(e.suffix) + "-final-",
	} {
		assert.Contains(t, out, kept)
	}
	snapshots, err := rds.NewFromConfig(sdk(t, e.p)).DescribeDBSnapshots(t.Context(), &rds.DescribeDBSnapshotsInput{
		DBInstanceIdentifier: aws.String(databaseOf(e.suffix)),
	})
	require.NoError(t, err)
	require.Len(t, snapshots.DBSnapshots, 1)
	assert.Contains(t, *snapshots.DBSnapshots[0].DBSnapshotIdentifier, databaseOf(e.suffix)+"-final-")
	described, err := kms.NewFromConfig(sdk(t, e.p)).DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: &key})
	require.NoError(t, err)
	assert.Equal(t, kmstypes.KeyStateEnabled, described.KeyMetadata.KeyState)
	s, ok := readState(t, e.p, e.suffix)
	require.True(t, ok)
	assert.Empty(t, addresses(s))
}

// teardown returns the commands with which docs/operations.md destroys production: those
// that lift its protection, and the rest.
func teardown(t *testing.T) (lift, destroy string) {
	t.Helper()
	lift, rest, found := strings.Cut(documented(t, "Destroy production"), "cd ")
	require.True(t, found)
	settings, _, _ := strings.Cut(lift, "\n")
	require.Contains(t, settings, "export ")
	return lift, settings + "\ncd " + rest
}

// documented returns the commands of a section of docs/operations.md.
func documented(t *testing.T, section string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs/operations.md"))
	require.NoError(t, err)
	match := regexp.MustCompile("(?s)\n## " + section + "\n.*?```sh\n(.*?)```").FindSubmatch(text)
	require.NotNil(t, match, section)
	return string(match[1])
}
