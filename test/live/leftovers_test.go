package live

import (
	"testing"

	"portfolio/config"
	"portfolio/local/platform"
	found "portfolio/ops/leftovers"

	"github.com/stretchr/testify/require"
)

// leftovers returns everything that AWS has of the environment with this suffix: of a
// preview nothing is kept.
func leftovers(t *testing.T, p *platform.Platform, suffix string) []string {
	t.Helper()
	all, err := found.Find(t.Context(), sdk(t, p), suffix, config.Preview())
	require.NoError(t, err)
	return all.Left
}
