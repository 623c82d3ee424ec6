package main

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var deployBegan = time.Date(2026, 1, 2, 15, 0, 0, 0, time.UTC)

// fakeRefreshes answers each call with the next page, and then always with the last one.
type fakeRefreshes struct {
	pages  [][]types.InstanceRefresh
	err    error
	inputs []autoscaling.DescribeInstanceRefreshesInput
}

func (f *fakeRefreshes) DescribeInstanceRefreshes(_ context.Context, in *autoscaling.DescribeInstanceRefreshesInput,
	_ ...func(*autoscaling.Options)) (*autoscaling.DescribeInstanceRefreshesOutput, error) {
	f.inputs = append(f.inputs, *in)
	if f.err != nil {
		return nil, f.err
	}
	page := f.pages[0]
	if len(f.pages) > 1 {
		f.pages = f.pages[1:]
	}
	return &autoscaling.DescribeInstanceRefreshesOutput{InstanceRefreshes: page}, nil
}

func refresh(id string, status types.InstanceRefreshStatus, percent int32, reason string,
	began time.Duration) types.InstanceRefresh {
	return types.InstanceRefresh{
		InstanceRefreshId: &id, Status: status, PercentageComplete: &percent, StatusReason: &reason,
		StartTime: aws.Time(deployBegan.Add(began)),
	}
}

func waiter(api refreshAPI, out *bytes.Buffer) refreshWaiter {
	return refreshWaiter{api: api, group: "asg", since: deployBegan, every: time.Millisecond, out: out}
}

// Every status that the SDK knows is either waited for or an end.
func TestRefreshOutcomesCoverAllStatuses(t *testing.T) {
	for _, status := range types.InstanceRefreshStatus("").Values() {
		assert.NotEqual(t, unknown, refreshOutcomes[status], status)
	}
}

func TestWaitEndsWithTheRefresh(t *testing.T) {
	for status, want := range map[types.InstanceRefreshStatus]string{
		types.InstanceRefreshStatusSuccessful:         "",
		types.InstanceRefreshStatusFailed:             "asg: instance refresh r1: Failed, 50 %: no capacity",
		types.InstanceRefreshStatusCancelled:          "asg: instance refresh r1: Cancelled, 50 %: no capacity",
		types.InstanceRefreshStatusRollbackFailed:     "asg: instance refresh r1: RollbackFailed, 50 %: no capacity",
		types.InstanceRefreshStatusRollbackSuccessful: "asg: instance refresh r1: RollbackSuccessful, 50 %: no capacity",
		"Paused": "asg: instance refresh r1: Paused, 50 %: no capacity: got an unknown status",
	} {
		t.Run(string(status), func(t *testing.T) {
			var out bytes.Buffer
			api := &fakeRefreshes{pages: [][]types.InstanceRefresh{
				{refresh("r1", types.InstanceRefreshStatusInProgress, 0, "waiting", time.Minute), refresh("r0", types.InstanceRefreshStatusFailed, 0, "", -time.Hour)},
				{refresh("r1", types.InstanceRefreshStatusBaking, 50, "", time.Minute)},
				{refresh("r1", status, 50, "no capacity", time.Minute)},
			}}
			err := waiter(api, &out).wait(t.Context())
			if want == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, want)
			}
			assert.Contains(t, out.String(),
				"asg: instance refresh r1: InProgress, 0 %: waiting\nasg: instance refresh r1: Baking, 50 %\n")
			assert.Equal(t, []string{"r1"}, api.inputs[1].InstanceRefreshIds, "it follows the one it found")
		})
	}
}

func TestWaitCountsOnlyThisDeploy(t *testing.T) {
	pending := refresh("r1", types.InstanceRefreshStatusPending, 0, "", 0)
	pending.StartTime = nil
	for name, test := range map[string]struct {
		first types.InstanceRefresh
		waits bool
	}{
		"failed yesterday":                 {refresh("r1", types.InstanceRefreshStatusFailed, 0, "", -24*time.Hour), false},
		"failed since":                     {refresh("r1", types.InstanceRefreshStatusFailed, 0, "", time.Second), true},
		"failed in the very second":        {refresh("r1", types.InstanceRefreshStatusFailed, 0, "", 0), true},
		"running, by clocks that differ":   {refresh("r1", types.InstanceRefreshStatusInProgress, 0, "", -time.Minute), true},
		"pending, so without a start time": {pending, true},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			api := &fakeRefreshes{pages: [][]types.InstanceRefresh{{test.first},
				{refresh("r1", types.InstanceRefreshStatusFailed, 0, "", 0)}}}
			err := waiter(api, &out).wait(t.Context())
			assert.Equal(t, test.waits, err != nil, "wait() = %v", err)
			if !test.waits {
				assert.Equal(t, "asg: no instance refresh was started\n", out.String())
			}
		})
	}
}

func TestWaitWithoutAnyRefresh(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, waiter(&fakeRefreshes{pages: [][]types.InstanceRefresh{nil}}, &out).wait(t.Context()))
	assert.Equal(t, "asg: no instance refresh was started\n", out.String())
}

func TestWaitFailsWhenTheRefreshIsGone(t *testing.T) {
	api := &fakeRefreshes{pages: [][]types.InstanceRefresh{{refresh("r1",
		types.InstanceRefreshStatusInProgress, 0, "", 0)}, nil}}
	require.EqualError(t, waiter(api, &bytes.Buffer{}).wait(t.Context()), "asg: instance refresh r1 is gone")
}

func TestWaitEndsWithItsContext(t *testing.T) {
	api := &fakeRefreshes{pages: [][]types.InstanceRefresh{{refresh("r1",
		types.InstanceRefreshStatusInProgress, 40, "warming up", 0)}}}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Millisecond, errors.New("not over after 30m0s"))
	defer cancel()
	w := waiter(api, &bytes.Buffer{})
	w.every = time.Hour // so that only the context can end it
	require.EqualError(t, w.wait(ctx), "asg: instance refresh r1: InProgress, 40 %: warming up: not over after 30m0s")

	cancelled, stop := context.WithCancel(t.Context())
	stop()
	require.ErrorIs(t, w.wait(cancelled), context.Canceled)
}

func TestWaitPassesErrorsOn(t *testing.T) {
	broken := errors.New("no route")
	err := waiter(&fakeRefreshes{err: broken}, &bytes.Buffer{}).wait(t.Context())
	require.ErrorIs(t, err, broken)
	require.EqualError(t, err, "asg: no route")
}
