package main

import (
	"net/http"
	"strings"
	"testing"

	"portfolio/config"
	"portfolio/ops/leftovers"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReportLeftovers(t *testing.T) {
	c := config.Config{Names: config.NewNames("prod"), Region: "eu-west-1"}
	var out strings.Builder
	require.NoError(t, reportLeftovers(&out, c, leftovers.Resources{
		Kept: []string{"bucket b", "key k"}, Ending: []string{"secret \x1b[2Js, deleted on 2026-11-30"},
	}))
	assert.Equal(t, "left: 0\nkept on purpose: 2\n  bucket b\n  key k\ndeleted by AWS later: 1\n"+
		`  "secret \x1b[2Js, deleted on 2026-11-30"`+"\n", out.String())
	err := reportLeftovers(&out, c, leftovers.Resources{Left: []string{"VPC v"}})
	require.EqualError(t, err, "prod: resources left in eu-west-1: got 1, want none")
}

// What cannot be listed is not said to be gone.
func TestLeftoversThatCannotBeListed(t *testing.T) {
	s, out := at(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	var stderr strings.Builder
	assert.Equal(t, exitFailed, run(t.Context(), s, []string{"leftovers"}, &stderr))
	assert.Contains(t, stderr.String(), "ops: whether anything is left is unknown: list every VPC: ")
	assert.Empty(t, out.String())
}
