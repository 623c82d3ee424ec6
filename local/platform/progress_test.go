package platform

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// testdata/apply.jsonl is what Terraform 1.11.4 wrote about three resources, one of
// which fails, and a data source.
func TestApplyReportsWhatItWaitsFor(t *testing.T) {
	recorded, err := os.ReadFile("testdata/apply.jsonl")
	require.NoError(t, err)
	clock := time.Unix(0, 0)
	a := newApply()
	a.now = func() time.Time { return clock }
	assert.Equal(t, "planning", a.String())

	wants := map[string]string{ // after the line that says this
		"Plan: 3 to add":                       "0 of 3 resources",
		"terraform_data.slow: Creating":        "0 of 3 resources, waiting for terraform_data.slow (2 s)",
		"terraform_data.fast: Creating":        "0 of 3 resources, waiting for terraform_data.slow (8 s), terraform_data.fast (2 s)",
		"terraform_data.broken: Creation erro": "1 of 3 resources, waiting for terraform_data.slow (20 s)",
		"terraform_data.slow: Creation comple": "2 of 3 resources",
	}
	seen := 0
	for line := range bytes.Lines(recorded) {
		half := len(line) / 2 // a pipe may split lines
		for _, part := range [][]byte{line[:half], line[half:]} {
			n, err := a.Write(part)
			require.NoError(t, err)
			assert.Equal(t, len(part), n)
		}
		clock = clock.Add(2 * time.Second)
		for words, want := range wants {
			if strings.Contains(string(line), words) {
				assert.Equal(t, want, a.String(), words)
				seen++
			}
		}
	}
	assert.Equal(t, len(wants), seen)
	assert.ErrorContains(t, a.err(), "local-exec provisioner error")
	assert.ErrorContains(t, a.err(), "terraform_data.broken")
	assert.NoError(t, newApply().err())
}

func TestApplyNamesThreeOfMany(t *testing.T) {
	a := newApply()
	begin := time.Unix(0, 0)
	a.now, a.total = func() time.Time { return begin.Add(time.Minute) }, 9
	for i, address := range []string{"a", "b", "c", "d", "e"} {
		a.begun[address] = begin.Add(time.Duration(i) * time.Second)
	}
	assert.Equal(t, "0 of 9 resources, waiting for a (60 s), b (59 s), c (58 s) and 2 more", a.String())
}
