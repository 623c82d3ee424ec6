package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var suffixes = map[string]bool{ // may they be reaped?
	"pr1": true, "pr2147483647": true,
	"pr01": false, "pr0": false, "pr": false, "PR1": false, "pr1-x": false, "dev": false, "prod": false, "pr1a": false,
	"xpr1": false, "pr99999999999999999999": false, "pr1 ": false, " pr1": false, "pr1\n": false, "pr-1": false, "pr١": false, "": false,
}

func TestReapTakesOnlyClosedPullRequests(t *testing.T) {
	now := time.Now()
	for suffix, want := range suffixes {
		e := environment{Suffix: suffix, Created: now.Add(-1000 * time.Hour)}
		got, reason := reapRequest{open: map[string]bool{}, maxAge: time.Hour}.judge(e, now)
		assert.Equal(t, want, got, "%q: %s", suffix, reason)
		got, reason = reapRequest{open: map[string]bool{suffix: true}}.judge(e, now)
		assert.False(t, got, "%q open: %s", suffix, reason)
	}
	for name, c := range map[string]struct {
		w      reapRequest
		age    time.Duration
		want   bool
		reason string
	}{
		"open":                    {reapRequest{open: map[string]bool{"pr7": true}}, 1000 * time.Hour, false, "its pull request is open"},
		"open, as old as allowed": {reapRequest{open: map[string]bool{"pr7": true}, maxAge: time.Hour}, time.Hour, false, "its pull request is open"},
		"open, too old":           {reapRequest{open: map[string]bool{"pr7": true}, maxAge: 168 * time.Hour}, 169 * time.Hour, true, "it is 7 d old, more than 168h0m0s"},
		"another is open":         {reapRequest{open: map[string]bool{"pr77": true}}, 0, true, "its pull request is not open"},
		"only it":                 {reapRequest{only: "pr7"}, 0, true, "its pull request is not open"},
		"only another":            {reapRequest{only: "pr77"}, 0, false, "--only pr77"},
	} {
		got, reason := c.w.judge(environment{Suffix: "pr7", Created: now.Add(-c.age)}, now)
		assert.Equal(t, c.want, got, name)
		assert.Equal(t, c.reason, reason, name)
	}
}

func TestReapRefusesWhatItDoesNotUnderstand(t *testing.T) {
	for name, c := range map[string]struct {
		args  []string
		input string
		want  string
	}{
		"no list":        {nil, "", "ops: --open: got nothing, want numbers of pull requests, none or -\n"},
		"empty list":     {[]string{"--open", ""}, "", "ops: --open: got nothing, want numbers of pull requests, none or -\n"},
		"empty input":    {[]string{"--open", "-"}, "\n", "ops: --open: got nothing, want numbers of pull requests, none or -\n"},
		"an error":       {[]string{"--open", "-"}, "HTTP 502", "ops: --open: got \"HTTP\", want numbers of pull requests, none or -\n"},
		"none and some":  {[]string{"--open", "none,7"}, "", "ops: --open: got \"none\", want numbers of pull requests, none or -\n"},
		"a leading zero": {[]string{"--open", "07"}, "", "ops: --open: got \"07\", want numbers of pull requests, none or -\n"},
		"only dev":       {[]string{"--open", "none", "--only", "dev"}, "", "ops: reap: --only: got \"dev\", want pr<number>; see ops reap --help\n"},
		"only nothing":   {[]string{"--open", "none", "--only", ""}, "", "ops: reap: --only: got \"\", want pr<number>; see ops reap --help\n"},
		"no age":         {[]string{"--open", "none", "--max-age", "0s"}, "", "ops: reap: --max-age: got 0s, want more than 0; see ops reap --help\n"},
		"an argument":    {[]string{"--open", "none", "pr7"}, "", "ops: reap: got \"pr7\", want no argument; see ops reap --help\n"},
	} {
		t.Run(name, func(t *testing.T) {
			bucket := &fakeS3{}
			s, out := at(t, bucket)
			s.in = strings.NewReader(c.input)
			var stderr bytes.Buffer
			assert.Equal(t, exitUsage, run(t.Context(), s, append([]string{"reap", "--yes"}, c.args...), &stderr))
			assert.Equal(t, c.want, stderr.String())
			assert.Empty(t, out.String())
		})
	}
}

func TestOpenSuffixes(t *testing.T) {
	for text, want := range map[string]map[string]bool{
		"none": {}, "none\n": {}, "7": {"pr7": true}, "7,12": {"pr7": true, "pr12": true}, "7\n12\r\n": {"pr7": true, "pr12": true},
	} {
		got, err := openSuffixes(text)
		require.NoError(t, err)
		assert.Equal(t, want, got, text)
	}
}

func TestReapIsDryWithoutYes(t *testing.T) {
	bucket := &fakeS3{}
	bucket.put(keyOf("dev"), stateText("eu-west-1"), 0)
	bucket.put(keyOf("pr7"), stateText("eu-west-1"), 0)
	bucket.put(keyOf("pr8"), stateText("eu-west-1"), 0)
	bucket.put(keyOf("pr1 "), stateText("eu-west-1"), 0)
	s, out := at(t, bucket)
	s.in = strings.NewReader("8\n")
	var stderr bytes.Buffer
	require.Equal(t, 0, run(t.Context(), s, []string{"reap", "--open", "-"}, &stderr), stderr.String())
	assert.Equal(t, strings.Join([]string{
		"dev: kept: its suffix is not pr<number>",
		`"pr1 ": kept: its suffix is not pr<number>`,
		"pr7: to be destroyed: its pull request is not open",
		"pr8: kept: its pull request is open",
		"Dry run: --yes destroys 1 of 4.", "",
	}, "\n"), out.String())
	assert.Empty(t, bucket.deletes)
}

// An environment that fails keeps its state for the next run and does not stop the
// others.
func TestReapGoesOnAfterAFailure(t *testing.T) {
	r, tf, bucket, out := reaping(t, "dev", "pr1", "pr2", "pr3", "pr4", "pr5")
	bucket.put(keyOf("pr5"), "{", 0)
	tf.fails["pr1"] = errors.New("Error acquiring the state lock: Who: ci@runner")
	r.find = func(_ context.Context, region, suffix string) ([]string, error) {
		assert.Equal(t, "eu-west-1", region)
		switch suffix {
		case "pr2":
			return []string{"bucket portfolio-hist-pr2-000000000000"}, nil
		case "pr3":
			return nil, errors.New("VPCs: AccessDenied")
		}
		return nil, nil
	}
	err := runReaper(t, r, reapRequest{open: map[string]bool{}, lockTimeout: time.Minute, yes: true})
	require.EqualError(t, err, strings.Join([]string{
		"pr1: Error acquiring the state lock: Who: ci@runner",
		"pr2: left in eu-west-1: 1\n  bucket portfolio-hist-pr2-000000000000",
		"pr3: whether anything is left is unknown: VPCs: AccessDenied",
		"pr5: its state cannot be read: got a text that is not a Terraform state",
	}, "\n"))
	assert.Equal(t, []string{"pr2 in eu-west-1 after up to 1m0s", "pr3 in eu-west-1 after up to 1m0s",
		"pr4 in eu-west-1 after up to 1m0s"}, slices.Sorted(slices.Values(tf.destroyed)))
	assert.Equal(t, []string{keyOf("pr4")}, bucket.deletes)
	assert.Contains(t, out.String(), "pr2: still listed: 1, asking again in 1ms (2 of 3)\n")
	assert.Contains(t, out.String(), "pr4: destroyed, nothing is left\n")
	assert.Contains(t, out.String(), "Destroyed 1 of 5.\n")
}

// Lists lag behind: what disappears on a later try is not a failure.
func TestReapAsksAgain(t *testing.T) {
	r, _, bucket, _ := reaping(t, "pr1")
	asked := 0
	r.find = func(context.Context, string, string) ([]string, error) {
		if asked++; asked < 3 {
			return []string{"tagged arn:aws:kms:eu-west-1:1:key/k"}, nil
		}
		return nil, nil
	}
	require.NoError(t, runReaper(t, r, reapRequest{open: map[string]bool{}, yes: true}))
	assert.Equal(t, 3, asked)
	assert.Equal(t, []string{keyOf("pr1")}, bucket.deletes)
}

func TestReapTwice(t *testing.T) {
	r, tf, bucket, out := reaping(t, "pr1", "pr2")
	w := reapRequest{open: map[string]bool{"pr2": true}, yes: true}
	all, err := r.states.list(t.Context())
	require.NoError(t, err)
	require.NoError(t, r.run(t.Context(), w, all, time.Now()))
	// As in a second run that had listed at the same time and waited for the lock.
	require.NoError(t, r.run(t.Context(), w, all, time.Now()))
	out.Reset()
	require.NoError(t, runReaper(t, r, w))
	assert.Equal(t, "pr2: kept: its pull request is open\nDestroyed 0 of 0.\n", out.String())
	assert.Len(t, tf.destroyed, 2)
	_, there := bucket.latest(keyOf("pr2"))
	assert.True(t, there)
}

// Without a region Terraform would look elsewhere, find nothing and drop everything from the state.
func TestReapNeedsTheRegion(t *testing.T) {
	r, tf, bucket, _ := reaping(t)
	bucket.put(keyOf("pr1"), halfState, 0)
	bucket.put(keyOf("pr2"), stateText("eu-west-1"), time.Hour) // a destroy was cut
	bucket.put(keyOf("pr2"), halfState, 0)
	bucket.put(keyOf("pr3"), emptyState, 0)
	err := runReaper(t, r, reapRequest{open: map[string]bool{}, yes: true})
	require.EqualError(t, err, "pr1: its state does not record its region: deploy it again, or destroy it by hand")
	assert.Equal(t, []string{"pr2 in eu-west-1 after up to 0s", "pr3 in us-east-1 after up to 0s"},
		slices.Sorted(slices.Values(tf.destroyed)))
}

// An environment without a state is still searched for what is left.
func TestReapOnlyWithoutState(t *testing.T) {
	r, tf, _, out := reaping(t, "pr1")
	require.NoError(t, runReaper(t, r, reapRequest{open: map[string]bool{}, only: "pr7", yes: true}))
	assert.Equal(t, "pr1: kept: --only pr7\npr7: has no state; looking for what is left in us-east-1\nDestroyed 0 of 0.\n",
		out.String())
	r.find = func(_ context.Context, region, suffix string) ([]string, error) {
		return []string{region + " " + suffix}, nil
	}
	require.EqualError(t, runReaper(t, r, reapRequest{open: map[string]bool{}, only: "pr7", yes: true}),
		"pr7: left in us-east-1: 1\n  us-east-1 pr7")
	assert.Empty(t, tf.destroyed)
}

func TestReapEndsWhenInterrupted(t *testing.T) {
	r, tf, _, _ := reaping(t, "pr1", "pr2")
	all, err := r.states.list(t.Context())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, r.run(ctx, reapRequest{open: map[string]bool{}, yes: true}, all, time.Now()), context.Canceled)
	assert.Empty(t, tf.destroyed)
}

// What a destroy left behind is looked for in its region again, even though the remaining
// state has no release.
func TestReapStillFailsTheNextTime(t *testing.T) {
	r, _, bucket, _ := reaping(t, "pr1")
	r.find = func(_ context.Context, region, _ string) ([]string, error) { return []string{"VPC in " + region}, nil }
	for range 2 {
		require.EqualError(t, runReaper(t, r, reapRequest{open: map[string]bool{}, yes: true}),
			"pr1: left in eu-west-1: 1\n  VPC in eu-west-1")
	}
	assert.Empty(t, bucket.deletes)
}

// GitHub is asked again before each destroy: a pull request may be open by then.
func TestReapAsksGitHubAgain(t *testing.T) {
	r, tf, _, out := reaping(t, "pr1", "pr2")
	request := reapRequest{open: map[string]bool{}, yes: true, ask: func(context.Context) (map[string]bool, error) {
		return map[string]bool{"pr2": true}, nil
	}}
	require.NoError(t, runReaper(t, r, request))
	assert.Len(t, tf.destroyed, 1)
	assert.Contains(t, out.String(), "pr2: to be destroyed: its pull request is not open\n")
	assert.Contains(t, out.String(), "pr2: kept: its pull request is open\n")
	assert.Contains(t, out.String(), "Destroyed 1 of 2.\n")

	request.ask = func(context.Context) (map[string]bool, error) { return nil, errors.New("open pull requests: 502") }
	require.EqualError(t, runReaper(t, r, request), "pr2: open pull requests: 502")
	assert.Len(t, tf.destroyed, 1, "whether it is open is unknown")
}

// Environments are destroyed concurrently: one after the other would take longer than a night.
func TestReapConcurrently(t *testing.T) {
	var suffixes []string
	for i := range 2 * reapedAtOnce {
		suffixes = append(suffixes, fmt.Sprintf("pr%d", i+1))
	}
	r, tf, _, _ := reaping(t, suffixes...)
	var started sync.WaitGroup
	started.Add(reapedAtOnce)
	var count atomic.Int32
	tf.while = func(environment) {
		if count.Add(1) <= reapedAtOnce {
			started.Done()
		}
		started.Wait() // returns only if so many run at once
	}
	require.NoError(t, runReaper(t, r, reapRequest{open: map[string]bool{}, yes: true}))
	assert.Len(t, tf.destroyed, 2*reapedAtOnce)
}
