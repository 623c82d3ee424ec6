package live

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/postgres"
	"portfolio/backend/source"
	"portfolio/local/platform"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// browser runs test/browser, which uses the page in a real browser. Its pictures of the
// page are left in build/live/pictures.
func browser(t *testing.T, p *platform.Platform) {
	key, err := p.CreateKey(t.Context(), "page", "browser test", "read,trade,feed,admin")
	require.NoError(t, err)
	proposed := proposals(t, p, key)
	pictures, err := filepath.Abs(filepath.Join(root, at.Folder, "pictures"))
	require.NoError(t, err)
	cmd := command(t, "node", "--test", "--test-timeout=300000", "--test-concurrency=2",
		"test/browser/page.test.mjs", "test/browser/accessible.test.mjs")
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = append(cmd.Environ(), "PORTFOLIO_PAGE="+p.Endpoints.Page, "PORTFOLIO_KEY="+key,
		"PORTFOLIO_PICTURES="+pictures,
		"PORTFOLIO_PROPOSED="+proposed)
	out, err := cmd.CombinedOutput()
	assert.NoError(t, err, "%s", out)
}

// proposals returns the ID of a portfolio with two open proposals, a dividend and a split.
// They are written as the service does when a source knows of them.
func proposals(t *testing.T, p *platform.Platform, key string) string {
	ctx, one := t.Context(), instance{t, p.Ports().Services[0], key}
	held := one.create(ctx, "/v1/portfolios", `{"name":"Proposed","base_currency":"USD"}`)
	one.create(ctx, held.of("/transactions"),
		`{"kind":"BUY","date":"2026-01-02","symbol":"PROPOSED","quantity":"40","price":"12.5","currency":"USD"}`)
	text, err := os.ReadFile(filepath.Join(root, at.Folder, "processes.json"))
	require.NoError(t, err)
	var file struct{ Service map[string]string }
	require.NoError(t, json.Unmarshal(text, &file))
	service := roleIn(t, p, databaseOf(suffix)+"/service-")
	db, err := postgres.Open(ctx, postgres.Config{
		Host: file.Service["DB_HOST"], Port: p.Ports().Postgres, Name: file.Service["DB_NAME"],
		CAFile: file.Service["DB_CA_FILE"],
		Credentials: func(context.Context) (string, string, error) {
			return service.Username, service.Password, nil
		},
	})
	require.NoError(t, err)
	defer db.Close()
	action := func(entry backend.Transaction) source.Action {
		entry.Symbol = "PROPOSED"
		return source.Action{Symbol: entry.Symbol, Source: "tiingo", Entry: entry}
	}
	require.NoError(t, db.Propose(ctx, []source.Action{
		action(backend.Transaction{Kind: backend.Dividend, Date: backend.NewDate(2026, 2, 2), Amount: decimal.New(25, -2),
			Currency: "USD"}),
		action(backend.Transaction{Kind: backend.Split, Date: backend.NewDate(2026, 3, 2),
			Ratio: backend.Ratio{New: 2, Old: 1}}),
	}))
	return held.id
}
