package main

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A lock is removed only if a runner left it and no run that may hold it is in progress.
func TestUnlock(t *testing.T) {
	const lock = `{"ID":"8a1c","Who":"%s","Created":"2026-01-02T03:04:05Z"}`
	created := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, test := range map[string]struct {
		text    string
		over    bool
		fails   error
		removed bool
		out     string
		problem string
	}{
		"none":                {"", true, nil, false, "", ""},
		"its run is over":     {fmt.Sprintf(lock, "runner@fv-az1"), true, nil, true, "removed the lock 8a1c of runner@fv-az1, whose run is over\n", ""},
		"its run is not over": {fmt.Sprintf(lock, "runner@fv-az1"), false, nil, false, "held by runner@fv-az1, whose run may not be over, left alone\n", ""},
		"a person's":          {fmt.Sprintf(lock, "ann@laptop"), true, nil, false, "held by ann@laptop, left alone\n", ""},
		"a false runner":      {fmt.Sprintf(lock, "myrunner@laptop"), true, nil, false, "left alone\n", ""},
		"no answer":           {fmt.Sprintf(lock, "runner@fv-az1"), true, errors.New("502"), false, "", ".tflock of runner@fv-az1: 502"},
		"another's object":    {"mine", true, nil, false, "", "got an object that is not Terraform's"},
	} {
		t.Run(name, func(t *testing.T) {
			r, _, bucket, out := reaping(t, "pr1")
			if test.text != "" {
				bucket.put(keyOf("pr1")+".tflock", test.text, 0)
			}
			err := r.states.unlock(t.Context(), keyOf("pr1"), func(_ context.Context, started time.Time) (bool, error) {
				assert.Equal(t, created, started)
				return test.over, test.fails
			}, out)
			if test.problem == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, test.problem)
			}
			assert.Contains(t, out.String(), test.out)
			assert.Equal(t, test.removed, len(bucket.deletes) == 1)
		})
	}
}
