package main_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A service that starts stores the previous day of the portfolios that existed then.
func TestHistoryIsStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := start(t, w.env)
	first.eventually("/ready", 200)
	day := time.Now().Add(-time.Hour).AddDate(0, 0, -1).UTC().Format(time.DateOnly)
	stored := func(key string) {
		t.Helper()
		require.Eventually(t, func() bool { return w.cloud.object(key) != "" }, time.Minute, 50*time.Millisecond, key)
	}
	stored("manifests/" + day + ".json")
	assert.JSONEq(t, `{"day":"`+day+`","portfolios":{}}`, w.cloud.object("manifests/"+day+".json"))

	const id = "0192d6a8-0000-7000-8000-000000000001"
	db, err := pgx.Connect(t.Context(), w.postgres.URL("portfolio", "portfolio_admin", "first-password"))
	require.NoError(t, err)
	defer db.Close(t.Context())
	_, err = db.Exec(t.Context(), `insert into portfolios
		(id, owner, name, base_currency, cost_method, allow_shorts, version, created_at, updated_at)
		values ($1, 'ada', 'Old', 'EUR', 'FIFO', false, 1, now() - interval '9 days', now())`, id)
	require.NoError(t, err)
	start(t, w.env) // this bucket lists no manifest, so the day is checked again
	stored("days/" + id + "/" + day + ".json")
	assert.Contains(t, w.cloud.object("days/"+id+"/"+day+".json"), `"as_of":"`+day+`T23:59:59.999999999Z"`)
	assert.JSONEq(t, `{"day":"`+day+`","portfolios":{}}`, w.cloud.object("manifests/"+day+".json"), "what is stored is not overwritten")
}
