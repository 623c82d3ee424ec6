package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// runnerUser begins Who in the lock of a GitHub-hosted runner.
const runnerUser = "runner@"

// runsOver reports whether every run of a workflow that had started by a time is over.
type runsOver func(ctx context.Context, started time.Time) (bool, error)

// unlock removes the lock of a state that a run of a workflow left behind when it was
// killed. It leaves the lock of a run that is not over, and that of a person.
func (s states) unlock(ctx context.Context, key string, over runsOver, out io.Writer) error {
	key += ".tflock"
	text, etag, err := s.read(ctx, key, nil)
	if missing := (*types.NoSuchKey)(nil); errors.As(err, &missing) {
		return nil
	}
	if err != nil {
		return err
	}
	var lock struct {
		ID, Who string
		Created time.Time
	}
	if err := json.Unmarshal(text, &lock); err != nil || lock.ID == "" || lock.Created.IsZero() {
		return fmt.Errorf("lock %s: got an object that is not Terraform's, want a lock with ID, Who and Created", key)
	}
	if !strings.HasPrefix(lock.Who, runnerUser) {
		fmt.Fprintf(out, "%s: held by %s, left alone\n", key, plain(lock.Who))
		return nil
	}
	ended, err := over(ctx, lock.Created)
	if err != nil {
		return fmt.Errorf("lock %s of %s: %w", key, plain(lock.Who), err)
	}
	if !ended {
		fmt.Fprintf(out, "%s: held by %s, whose run may not be over, left alone\n", key, plain(lock.Who))
		return nil
	}
	// Unless another run has taken it since.
	if _, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: &key,
		IfMatch: etag}); err != nil {
		return fmt.Errorf("lock %s: %w", key, err)
	}
	fmt.Fprintf(out, "%s: removed the lock %s of %s, whose run is over\n", key, plain(lock.ID), plain(lock.Who))
	return nil
}
