package live

import (
	"path/filepath"
	"testing"
	"time"

	"portfolio/local/platform"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// browser runs test/browser, which uses the page in a real browser. Its pictures of the
// page are left in build/live/pictures.
func browser(t *testing.T, p *platform.Platform) {
	key, err := p.CreateKey(t.Context(), "page", "browser test", "read,trade,feed,admin")
	require.NoError(t, err)
	pictures, err := filepath.Abs(filepath.Join(root, at.Folder, "pictures"))
	require.NoError(t, err)
	cmd := command(t, "node", "--test", "--test-timeout=300000", "--test-concurrency=2",
		"test/browser/page.test.mjs", "test/browser/accessible.test.mjs")
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = append(cmd.Environ(), "PORTFOLIO_PAGE="+p.Endpoints.Page, "PORTFOLIO_KEY="+key, "PORTFOLIO_PICTURES="+pictures)
	out, err := cmd.CombinedOutput()
	assert.NoError(t, err, "%s", out)
}
