package live

import (
	"maps"
	"path/filepath"
	"testing"

	"portfolio/local/platform"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ejected plans the HCL against the state of the JSON: it would change what the plan of the
// JSON would, which is only the emulator's drift.
func ejected(t *testing.T, p *platform.Platform, want plan) {
	cmd := command(t, "make", "eject")
	cmd.Env = list(emulated(t, p, platform.DeploysProduction, own))
	if out, err := cmd.CombinedOutput(); err != nil { // of the emulator's drift, which is all that is left below
		require.Contains(t, string(out), "got a plan of ")
	}
	hcl := stackTerraform(t, p, platform.DeploysProduction, filepath.Join(root, "build", "eject", "portfolio-"+suffix), nil)
	formatted, _, err := hcl.FormatCheck(t.Context())
	require.NoError(t, err)
	assert.True(t, formatted, "terraform fmt")
	got := planned(t, hcl)
	assert.Equal(t, want.ResourceChanges, got.ResourceChanges)
	assert.Equal(t, want.OutputChanges, got.OutputChanges)
	assert.Equal(t, want.PlannedValues, got.PlannedValues)
	onlyDrift(t, changesOf(got))
}

// ejectedProfiles writes the HCL of the other profiles, with all other settings that change
// what is created, which ops eject has Terraform validate.
func ejectedProfiles(t *testing.T, p *platform.Platform) {
	preview := maps.Clone(pullRequest)
	preview["CERTIFICATE_ARN"] = "arn:aws:acm:us-east-1:000000000000:certificate/00000000-0000-0000-0000-000000000000"
	production := newProduction(t, p, "production").settings
	production["RDS_READ_REPLICA"] = "on"
	for suffix, settings := range map[string]map[string]string{"preview": preview, "production": production} {
		t.Run(suffix, func(t *testing.T) {
			synthesize(t, p, suffix, settings)
			out, err := runOpsWith(t, p, platform.PlansMain, suffix, settings, "eject")
			require.NoError(t, err, out)
			assert.Contains(t, out, "terraform validate …")
		})
	}
}
