package main

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/stretchr/testify/require"
)

// fakeTerraform empties states in the fake bucket, as Terraform does.
type fakeTerraform struct {
	bucket *fakeS3
	fails  map[string]error // by suffix
	plans  map[string]*tfjson.Plan
	stack  []byte // what is synthesized
	sync.Mutex
	destroyed []string
	while     func(environment) // during a destroy
}

func (f *fakeTerraform) destroy(_ context.Context, e environment, lockTimeout time.Duration) error {
	if err := f.fails[e.Suffix]; err != nil {
		return err
	}
	f.Lock()
	f.destroyed = append(f.destroyed, e.Suffix+" in "+e.Region+" after up to "+lockTimeout.String())
	f.Unlock()
	if f.while != nil {
		f.while(e)
	}
	f.bucket.put(e.key, emptyState, 0)
	return nil
}

func (f *fakeTerraform) drift(_ context.Context, e environment) (*tfjson.Plan, error) {
	return f.plans[e.Suffix], f.fails[e.Suffix]
}

func (f *fakeTerraform) plan(_ context.Context, e environment) (*tfjson.Plan, error) {
	return f.plans[e.Suffix], f.fails[e.Suffix]
}

func (f *fakeTerraform) synth(_ context.Context, e environment) ([]byte, error) {
	return f.stack, f.fails[e.Suffix]
}

// reaping is a reaper of a bucket with environments of these suffixes.
func reaping(t *testing.T, suffixes ...string) (*reaper, *fakeTerraform, *fakeS3, *bytes.Buffer) {
	t.Helper()
	bucket := &fakeS3{}
	for _, suffix := range suffixes {
		bucket.put(keyOf(suffix), stateText("eu-west-1"), 3*time.Hour)
	}
	s, out := at(t, bucket)
	c, store, err := s.states(t.Context())
	require.NoError(t, err)
	tf := &fakeTerraform{bucket: bucket, fails: map[string]error{}}
	return &reaper{
		states: store, terraform: tf, region: c.Region, out: &lockedWriter{out: out}, tries: 3, every: time.Millisecond,
		find: func(context.Context, string, string) ([]string, error) { return nil, nil },
	}, tf, bucket, out
}

func runReaper(t *testing.T, r *reaper, w reapRequest) error {
	t.Helper()
	all, err := r.states.list(t.Context())
	require.NoError(t, err)
	return r.run(t.Context(), w, all, time.Now())
}
