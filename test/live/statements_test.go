package live

import (
	"testing"

	"portfolio/local/platform"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// boundaries stands for the permissions boundaries, which are the same for both tiers but for
// the names in them.
const boundaries = "boundaries"

// Why no call to the emulator needs a statement.
const (
	agents     = "the agents of CloudWatch and Systems Manager do not run here"
	delivery   = "AWS writes logs and traces with the role; the emulator does not check its rights"
	linked     = "services create their roles when they are first used; the bootstrap has created them"
	endpoints  = "only AWS shows whether ElastiCache changes its endpoint with the rights of its caller"
	encryption = "S3 and Secrets Manager use keys with the rights of their caller; the emulator does not"
	instances  = "only instances and functions with production's settings, which do not run here, need it"
	upgrade    = "only an upgrade of the database needs it, which the emulator cannot do"
	names      = "no preview has a name of its own here; TestDomainsOfTiers shows the rights"
)

// unshown lists, by role, the statements that no call to the emulator needs, and why they are
// there.
var unshown = map[string]map[string]string{
	"portfolio-plan": {"KeysOnMain": encryption},
	"portfolio-deploy-preview": {
		"ServiceRoles": linked, "CacheEndpoint": endpoints,
		"Records": names, "NewCertificates": names, "OwnCertificates": names,
	},
	"portfolio-deploy-production": {"ServiceRoles": linked, "CacheEndpoint": endpoints, "BlueGreen": upgrade},
	"portfolio-instance-live":     {"CWACloudWatchServerPermissions": agents, "CWASSMServerPermissions": agents},
	"portfolio-ws-handler-live":   {"WriteLogs": delivery, "Trace": delivery},
	boundaries: {
		"Observe": agents, "AgentMetrics": agents, "SessionManager": agents, "OwnLogs": delivery, "EnhancedMonitoring": delivery,
		"Certificate": instances, "OwnKeys": instances,
	},
}

// artifact reads the service's binary as an instance does when it boots.
func artifact(t *testing.T, p *platform.Platform) {
	bucket := aws.String("portfolio-artifacts-" + suffix + "-000000000000")
	listed, err := pathStyleS3(t, p).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: bucket})
	require.NoError(t, err)
	require.Len(t, listed.Contents, 1)
	instance := s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &p.Endpoints.AWS, UsePathStyle: true,
		Credentials: endpointcreds.New(p.Endpoints.AWS + "/v2/credentials/portfolio-instance-" + suffix),
	})
	object, err := instance.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: listed.Contents[0].Key})
	require.NoError(t, err)
	require.NoError(t, object.Body.Close())
	_, err = instance.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: bucket})
	require.ErrorContains(t, err, "portfolio-instance-"+suffix)
}

// statements takes each statement away from the policies of the workflows' roles, the
// instances', the WebSocket handler's and the permissions boundaries, one at a time, and
// requires that a call which was made by then is denied. What no call needs is in unshown.
func statements(t *testing.T, p *platform.Platform) {
	all, err := p.Statements(t.Context())
	require.NoError(t, err)
	calls := map[string]string{} // one that needs the statement, by its text, whoever makes it
	for _, s := range all {
		calls[s.Text] = max(calls[s.Text], s.Call)
	}
	needed := map[string]map[string]string{} // the same, by role and Sid
	for _, s := range all {
		role := s.Role
		if s.Layer == 1 {
			role = boundaries
		}
		if needed[role] == nil {
			needed[role] = map[string]string{}
		}
		needed[role][s.Sid] = max(needed[role][s.Sid], calls[s.Text])
	}
	for _, role := range []string{"portfolio-plan", "portfolio-deploy-preview", "portfolio-deploy-production", "portfolio-instance-live", "portfolio-ws-handler-live", boundaries} {
		assert.Contains(t, needed, role)
	}
	for role, sids := range needed {
		for sid, call := range sids {
			reason, listed := unshown[role][sid]
			assert.Equal(t, call == "", listed, "%s, %s: needed by %q, listed for %q", role, sid, call, reason)
		}
		for sid := range unshown[role] {
			assert.Contains(t, sids, sid, role)
		}
	}
}
