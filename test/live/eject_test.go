package live

import (
	"path/filepath"
	"testing"

	"portfolio/local/platform"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ejected plans the HCL against the state of the JSON: it would change what the JSON
// would, which is only the emulator's drift.
func ejected(t *testing.T, p *platform.Platform) {
	cmd := command(t, "make", "eject")
	cmd.Env = list(emulated(t, p, platform.DeploysProduction, map[string]string{"ENVIRONMENT_SUFFIX": suffix, "PORTFOLIO_PROFILE": "standard"}))
	if out, err := cmd.CombinedOutput(); err != nil { // of the emulator's drift, which is all that is left below
		require.Contains(t, string(out), "got a plan of ")
	}
	hcl := stackTerraform(t, p, platform.DeploysProduction, filepath.Join(root, "build", "eject", "portfolio-"+suffix), nil)
	formatted, _, err := hcl.FormatCheck(t.Context())
	require.NoError(t, err)
	assert.True(t, formatted, "terraform fmt")
	got := planned(t, hcl)
	tf, err := p.Terraform(t.Context())
	require.NoError(t, err)
	want := planned(t, tf)
	assert.Equal(t, want.ResourceChanges, got.ResourceChanges)
	assert.Equal(t, want.OutputChanges, got.OutputChanges)
	assert.Equal(t, want.PlannedValues, got.PlannedValues)
	onlyDrift(t, changesOf(got))
}

// ejectedProfile writes a profile's HCL, which ops eject has Terraform validate.
func ejectedProfile(t *testing.T, p *platform.Platform, name string, settings map[string]string) {
	t.Helper()
	environ := emulated(t, p, platform.PlansMain, settings)
	environ["ENVIRONMENT_SUFFIX"] = name[:min(len(name), 16)]
	path, err := operator()
	require.NoError(t, err)
	cmd := command(t, path, "eject")
	cmd.Env = list(environ)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), "terraform validate …")
}
