package live

import (
	"testing"

	"portfolio/local/platform"
	found "portfolio/ops/leftovers"

	"github.com/stretchr/testify/require"
)

// leftovers returns the resources of the environment with this suffix.
func leftovers(t *testing.T, p *platform.Platform, suffix string) []string {
	t.Helper()
	all, err := found.Find(t.Context(), sdk(t, p), suffix)
	require.NoError(t, err)
	return all
}
