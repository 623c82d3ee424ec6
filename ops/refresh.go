package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"portfolio/contract/commandline"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/smithy-go"
	"github.com/spf13/cobra"
)

// pollEvery is short enough to show progress and long enough not to be throttled.
const pollEvery = 10 * time.Second

// refreshOutcomes says how each status of an instance refresh ends the waiting. A
// rollback counts as a failure: Terraform has already changed the group's template,
// so it went "back" to the release that does not work.
var refreshOutcomes = map[types.InstanceRefreshStatus]outcome{
	types.InstanceRefreshStatusPending:            running,
	types.InstanceRefreshStatusInProgress:         running,
	types.InstanceRefreshStatusBaking:             running,
	types.InstanceRefreshStatusCancelling:         running,
	types.InstanceRefreshStatusRollbackInProgress: running,
	types.InstanceRefreshStatusSuccessful:         succeeded,
	types.InstanceRefreshStatusFailed:             failed,
	types.InstanceRefreshStatusCancelled:          failed,
	types.InstanceRefreshStatusRollbackFailed:     failed,
	types.InstanceRefreshStatusRollbackSuccessful: failed,
}

// outcome is what a status means to the waiter. Its zero value stands for a status
// that this program does not know, which must not count as success.
type outcome int

const (
	unknown outcome = iota
	running
	succeeded
	failed
)

// refreshAPI is the part of the Auto Scaling client that waiting needs.
type refreshAPI interface {
	DescribeInstanceRefreshes(context.Context, *autoscaling.DescribeInstanceRefreshesInput,
		...func(*autoscaling.Options)) (*autoscaling.DescribeInstanceRefreshesOutput, error)
}

// refreshWaiter follows the instance refreshes of one Auto Scaling group.
type refreshWaiter struct {
	api   refreshAPI
	group string
	since time.Time // refreshes that ended before it do not count
	every time.Duration
	out   io.Writer
}

// refreshRequest is what await-refresh is asked for.
type refreshRequest struct {
	group   string // empty: that of the settings
	since   time.Time
	timeout time.Duration
}

func awaitRefreshCommand(s session) *cobra.Command {
	var r refreshRequest
	cmd := &cobra.Command{
		Use:   "await-refresh",
		Short: "Wait for the instance refresh that a deploy started",
		Long: `Waits for the newest instance refresh of an Auto Scaling group: Terraform starts
one and does not wait for it. It fails if the refresh does, and succeeds at once
if none was started.`,
		Example: `  ops await-refresh --since 2026-11-27T12:00:00Z`,
		Args:    commandline.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := s.load()
			switch {
			case err != nil:
				return err
			case r.timeout <= 0:
				return misused(cmd, "--timeout: got %s, want more than 0", r.timeout)
			case !cmd.Flags().Changed("asg"):
				r.group = settings.Names.AutoScalingGroup
			case r.group == "":
				return misused(cmd, "--asg: got nothing, want the name of a group")
			}
			return s.awaitRefresh(cmd.Context(), settings.Region, r)
		},
	}
	cmd.Flags().StringVar(&r.group, "asg", "", "`NAME` of the Auto Scaling group (default: that of the settings)")
	cmd.Flags().TimeVar(&r.since, "since", time.Time{}, []string{time.RFC3339},
		"when the deploy began, in RFC 3339; earlier refreshes do not count")
	cmd.Flags().DurationVar(&r.timeout, "timeout", 30*time.Minute, "how long to wait")
	return cmd
}

// awaitRefresh waits for the refresh that a deploy started.
func (s session) awaitRefresh(ctx context.Context, region string, r refreshRequest) error {
	c, err := s.aws(ctx, region)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.timeout, fmt.Errorf("not over after %v", r.timeout))
	defer cancel()
	w := refreshWaiter{api: autoscaling.NewFromConfig(c), group: r.group, since: r.since, every: pollEvery, out: s.out}
	return w.wait(ctx)
}

// wait returns nil if the refresh succeeded or there was none to wait for, and otherwise
// an error that says why the refresh or the context ended.
func (w refreshWaiter) wait(ctx context.Context) error {
	refresh, err := w.find(ctx)
	if err != nil {
		return err
	}
	if refresh == nil {
		fmt.Fprintf(w.out, "%s: no instance refresh was started\n", w.group)
		return nil
	}
	for {
		line := w.describe(*refresh)
		switch refreshOutcomes[refresh.Status] {
		case succeeded:
			fmt.Fprintln(w.out, line)
			return nil
		case failed:
			return errors.New(line)
		case unknown:
			return fmt.Errorf("%s: got an unknown status", line)
		case running:
			fmt.Fprintln(w.out, line)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", line, context.Cause(ctx))
		case <-time.After(w.every):
		}
		// By its ID: a refresh that starts meanwhile belongs to another deploy.
		if refresh, err = w.get(ctx, *refresh.InstanceRefreshId); err != nil {
			return err
		}
	}
}

// find returns the newest refresh that counts, or nil if there is none. One that is
// still running counts even if it seems to have begun too early: the clocks of this
// machine and of AWS may differ.
func (w refreshWaiter) find(ctx context.Context) (*types.InstanceRefresh, error) {
	refreshes, err := w.list(ctx, nil) // newest first
	if err != nil {
		return nil, err
	}
	for _, r := range refreshes {
		if refreshOutcomes[r.Status] == running || !aws.ToTime(r.StartTime).Before(w.since) {
			return &r, nil
		}
	}
	return nil, nil
}

func (w refreshWaiter) get(ctx context.Context, id string) (*types.InstanceRefresh, error) {
	refreshes, err := w.list(ctx, []string{id})
	if err != nil {
		return nil, err
	}
	if len(refreshes) == 0 {
		return nil, fmt.Errorf("%s: instance refresh %s is gone", w.group, id)
	}
	return &refreshes[0], nil
}

func (w refreshWaiter) list(ctx context.Context, ids []string) ([]types.InstanceRefresh, error) {
	page, err := w.api.DescribeInstanceRefreshes(ctx, &autoscaling.DescribeInstanceRefreshesInput{
		AutoScalingGroupName: &w.group,
		InstanceRefreshIds:   ids,
	})
	if cause := context.Cause(ctx); cause != nil {
		return nil, fmt.Errorf("%s: %w", w.group, cause)
	}
	var refusal smithy.APIError // without the operation and the HTTP status around it
	if errors.As(err, &refusal) {
		return nil, fmt.Errorf("%s: %s: %s", w.group, refusal.ErrorCode(), refusal.ErrorMessage())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.group, err)
	}
	return page.InstanceRefreshes, nil
}

// describe is one line: "portfolio-asg-dev: instance refresh 08b9…: InProgress, 50 %: reason".
func (w refreshWaiter) describe(r types.InstanceRefresh) string {
	line := fmt.Sprintf("%s: instance refresh %s: %s, %d %%", w.group, aws.ToString(r.InstanceRefreshId), r.Status,
		aws.ToInt32(r.PercentageComplete))
	if reason := aws.ToString(r.StatusReason); reason != "" {
		line += ": " + reason
	}
	return line
}
