package main_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A service that starts stores the day before, of portfolios that existed then. A
// correction does not change what is stored, and is reported.
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
	db := w.connect(t)
	_, err := db.Exec(t.Context(), `insert into portfolios
		(id, owner, name, base_currency, cost_method, allow_shorts, version, created_at, updated_at)
		values ($1, 'ada', 'Old', 'EUR', 'FIFO', false, 1, now() - interval '9 days', now())`, id)
	require.NoError(t, err)
	second := start(t, w.env) // this bucket lists no manifest, so the day is checked again
	stored("days/" + id + "/" + day + ".json")
	assert.Contains(t, w.cloud.object("days/"+id+"/"+day+".json"), `"as_of":"`+day+`T23:59:59.999999999Z"`)
	assert.JSONEq(t, `{"day":"`+day+`","portfolios":{}}`, w.cloud.object("manifests/"+day+".json"),
		"what is stored is not overwritten")

	key := w.keyOf(t, "ada")
	get := func(query string) (v struct {
		Total      string
		Superseded bool
	}) {
		second.api(key, http.MethodGet, "/v1/portfolios/"+id+"/valuation?as_of="+day+query, "", http.StatusOK, &v)
		return v
	}
	v := get("")
	assert.Equal(t, "0", v.Total)
	assert.False(t, v.Superseded)
	second.api(key, http.MethodPost, "/v1/portfolios/"+id+"/transactions",
		`{"kind":"DEPOSIT","date":"`+day+`","amount":"7","currency":"EUR"}`, http.StatusCreated, &struct{}{})
	v = get("")
	assert.Equal(t, "0", v.Total)
	assert.True(t, v.Superseded)
	v = get("&recomputed=true")
	assert.Equal(t, "7", v.Total)
	assert.False(t, v.Superseded)
}
