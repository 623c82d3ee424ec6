package main

import (
	"context"
	"errors"
	"testing"

	"github.com/hashicorp/terraform-exec/tfexec"
	"github.com/stretchr/testify/require"
)

func TestRetryOnce(t *testing.T) {
	exists, unreadable := errors.New("EntityAlreadyExists"), errors.New("no state")
	for name, c := range map[string]struct {
		applies  []error
		repaired bool
		repair   error
		want     []error // nil if it succeeds
	}{
		"no failure":                       {applies: []error{nil}},
		"created since, and imported":      {applies: []error{exists, nil}, repaired: true},
		"nothing to import":                {applies: []error{exists}, want: []error{exists}},
		"failing after the import as well": {applies: []error{exists, exists}, repaired: true, want: []error{exists}},
		"failing to repair":                {applies: []error{exists}, repair: unreadable, want: []error{exists, unreadable}},
	} {
		t.Run(name, func(t *testing.T) {
			var applied int
			err := retryOnce(t.Context(), func(context.Context, ...tfexec.ApplyOption) error {
				applied++
				return c.applies[applied-1]
			}, func() (bool, error) { return c.repaired, c.repair })
			require.Equal(t, len(c.applies), applied)
			if c.want == nil {
				require.NoError(t, err)
			}
			for _, want := range c.want {
				require.ErrorIs(t, err, want)
			}
		})
	}
	t.Run("interrupted", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		err := retryOnce(ctx, func(context.Context, ...tfexec.ApplyOption) error { cancel(); return exists },
			func() (bool, error) {
				t.Error("an interrupted run continues")
				return true, nil
			})
		require.ErrorIs(t, err, exists)
	})
}
