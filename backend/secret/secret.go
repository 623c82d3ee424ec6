// Package secret reads secrets from AWS Secrets Manager. It keeps what it read,
// notices rotations without a restart, and puts no value into an error.
package secret

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
)

const (
	interval = time.Second     // between two reads, so that calls with invalid signatures cost little
	timeout  = 5 * time.Second // of one read, including the SDK's retries
)

// Client is the part of *secretsmanager.Client that Reader uses.
type Client interface {
	GetSecretValue(
		context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options),
	) (*secretsmanager.GetSecretValueOutput, error)
}

// Reader reads one secret. It is safe for concurrent use: when several callers need a
// read, one of them makes it and the others use its result.
type Reader struct {
	client  Client
	arn     string
	overlap time.Duration

	turn chan struct{} // held by the one caller that reads; guards attempted and err
	// attempted is when the last read began, and err how it ended.
	attempted time.Time
	err       error

	mu   sync.Mutex
	last snapshot // the last successful read
}

// snapshot is what one read found.
type snapshot struct {
	at                time.Time // when the read began
	current, previous string
	created           time.Time // when the current version was created
}

// NewReader returns a reader of the secret with the given ARN. The previous version
// stays valid until the current one is overlap old.
func NewReader(client Client, arn string, overlap time.Duration) *Reader {
	return &Reader{client: client, arn: arn, overlap: overlap, turn: make(chan struct{}, 1)}
}

// known returns the last successful read.
func (r *Reader) known() snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// since returns the result of a read that began no earlier than earliest.
func (r *Reader) since(ctx context.Context, earliest time.Time) (snapshot, error) {
	called := time.Now()
	fresh := func() (snapshot, bool) {
		s := r.known()
		return s, s.current != "" && !s.at.Before(earliest)
	}
	if s, ok := fresh(); ok {
		return s, nil
	}
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return snapshot{}, ctx.Err()
	}
	// The caller that had the turn before may have made a read that is recent enough.
	if s, ok := fresh(); ok {
		return s, nil
	}
	if r.err != nil && !r.attempted.Before(called) {
		return snapshot{}, r.err
	}
	select {
	case <-time.After(time.Until(r.attempted.Add(interval))):
	case <-ctx.Done():
		return snapshot{}, ctx.Err()
	}
	r.attempted = time.Now()
	s, err := r.read(ctx)
	if r.err = err; err != nil {
		return snapshot{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = s
	return s, nil
}

// read is not cancelled with ctx, because other callers wait for the result.
func (r *Reader) read(ctx context.Context) (snapshot, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	s := snapshot{at: time.Now()}
	var err error
	if s.current, s.created, err = r.version(ctx, "AWSCURRENT"); err != nil {
		return snapshot{}, err
	}
	if time.Since(s.created) >= r.overlap {
		return s, nil
	}
	s.previous, _, err = r.version(ctx, "AWSPREVIOUS")
	// Before the first rotation there is no previous version, or an empty one.
	if missing := (*types.ResourceNotFoundException)(nil); errors.As(err, &missing) || errors.Is(err, errNoText) {
		err = nil
	}
	return s, err
}

var errNoText = errors.New("the version holds no text")

func (r *Reader) version(ctx context.Context, stage string) (value string, created time.Time, err error) {
	out, err := r.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &r.arn,
		VersionStage: &stage})
	if err != nil {
		return "", time.Time{}, fmt.Errorf("read %s of secret %s: %w", stage, r.arn, err)
	}
	if value = aws.ToString(out.SecretString); value == "" {
		return "", time.Time{}, fmt.Errorf("read %s of secret %s: %w", stage, r.arn, errNoText)
	}
	return value, aws.ToTime(out.CreatedDate), nil
}

// Keys returns the valid versions as they were last read, the current one first. Only
// the first call makes a read.
func (r *Reader) Keys(ctx context.Context) ([][]byte, error) {
	s, err := r.since(ctx, time.Time{})
	return r.keys(s), err
}

// Refresh returns what Keys does, from a read that began after the call. Because reads
// are at least a second apart, it may wait.
func (r *Reader) Refresh(ctx context.Context) ([][]byte, error) {
	s, err := r.since(ctx, time.Now())
	return r.keys(s), err
}

func (r *Reader) keys(s snapshot) [][]byte {
	if s.current == "" {
		return nil
	}
	keys := [][]byte{[]byte(s.current)}
	if s.previous != "" && time.Since(s.created) < r.overlap {
		keys = append(keys, []byte(s.previous))
	}
	return keys
}

// credentialsAge is how long a rotation may stay unnoticed. A client that is refused
// with the old password gets the new one if it tries again after that.
const credentialsAge = 10 * time.Second

// Credentials reads a secret of the form {"username","password"}, at most ten
// seconds old. While Secrets Manager is unreachable it returns what it read before.
func (r *Reader) Credentials(ctx context.Context) (username, password string, err error) {
	s, err := r.since(ctx, time.Now().Add(-credentialsAge))
	if err != nil {
		if s = r.known(); s.current == "" {
			return "", "", err
		}
	}
	var c struct{ Username, Password string }
	if json.Unmarshal([]byte(s.current), &c) != nil || c.Username == "" || c.Password == "" {
		return "", "", fmt.Errorf(`secret %s: want JSON {"username","password"}`, r.arn) // never the value
	}
	return c.Username, c.Password, nil
}
