package secret_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portfolio/backend/secret"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const overlap = 10 * time.Minute

// manager is Secrets Manager with one secret.
type manager struct {
	mu                sync.Mutex
	current, previous string
	created           time.Time
	err               error
	reads             int // of the current version
}

func (m *manager) rotate(value string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.previous, m.current, m.created = m.current, value, time.Now()
}

func (m *manager) GetSecretValue(
	_ context.Context, in *secretsmanager.GetSecretValueInput, _ ...func(*secretsmanager.Options),
) (*secretsmanager.GetSecretValueOutput, error) {
	time.Sleep(20 * time.Millisecond)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return nil, m.err
	}
	value := m.current
	if *in.VersionStage == "AWSPREVIOUS" {
		value = m.previous
		if value == "" {
			return nil, &types.ResourceNotFoundException{}
		}
	} else {
		m.reads++
	}
	created := m.created
	return &secretsmanager.GetSecretValueOutput{SecretString: &value, CreatedDate: &created}, nil
}

func keys(values ...string) [][]byte {
	var keys [][]byte
	for _, v := range values {
		keys = append(keys, []byte(v))
	}
	return keys
}

func TestKeysFollowRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &manager{}
		m.rotate("one")
		r := secret.NewReader(m, "arn", overlap)
		got, err := r.Keys(t.Context())
		require.NoError(t, err)
		assert.Equal(t, keys("one"), got, "before the first rotation")

		m.rotate("two")
		got, err = r.Keys(t.Context())
		require.NoError(t, err)
		assert.Equal(t, keys("one"), got, "as read last")
		got, err = r.Refresh(t.Context())
		require.NoError(t, err)
		assert.Equal(t, keys("two", "one"), got, "while both are in use")

		time.Sleep(overlap)
		got, err = r.Keys(t.Context())
		require.NoError(t, err)
		assert.Equal(t, keys("two"), got, "the previous key expires even if nothing is read again")
		got, err = r.Refresh(t.Context())
		require.NoError(t, err)
		assert.Equal(t, keys("two"), got)
	})
}

func TestRefreshIsRateLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &manager{}
		m.rotate("one")
		r := secret.NewReader(m, "arn", 0)
		start := time.Now()
		for time.Since(start) < 10*time.Second {
			var callers sync.WaitGroup
			for range 50 {
				callers.Go(func() {
					_, err := r.Refresh(t.Context())
					assert.NoError(t, err)
				})
			}
			callers.Wait()
		}
		assert.LessOrEqual(t, m.reads, 11, "reads in ten seconds")
	})
}

func TestErrorsAreSharedAndRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &manager{err: errors.New("unavailable")}
		r := secret.NewReader(m, "arn", overlap)
		var callers sync.WaitGroup
		start := time.Now()
		for range 50 {
			callers.Go(func() {
				_, err := r.Keys(t.Context())
				assert.EqualError(t, err, "read AWSCURRENT of secret arn: unavailable")
			})
		}
		callers.Wait()
		assert.Less(t, time.Since(start), time.Second, "all waiting callers get the error of one read")

		m.mu.Lock()
		m.err, m.current = nil, "one"
		m.mu.Unlock()
		got, err := r.Keys(t.Context())
		require.NoError(t, err)
		assert.Equal(t, keys("one"), got)
	})
}

func TestCallerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &manager{}
		m.rotate("one")
		r := secret.NewReader(m, "arn", 0)
		_, err := r.Keys(t.Context())
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err = r.Refresh(ctx)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &manager{}
		r := secret.NewReader(m, "arn", 0)
		m.rotate(`{"username":"u","password":"p1"}`)
		user, password, err := r.Credentials(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []string{"u", "p1"}, []string{user, password})

		m.rotate(`{"username":"u","password":"p2"}`)
		time.Sleep(11 * time.Second)
		_, password, err = r.Credentials(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "p2", password, "a rotation is noticed")

		m.mu.Lock()
		m.err = errors.New("unavailable")
		m.mu.Unlock()
		time.Sleep(11 * time.Second)
		_, password, err = r.Credentials(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "p2", password, "while Secrets Manager is unavailable")
	})
}

func TestCredentialsRefused(t *testing.T) {
	for name, test := range map[string]struct{ value, want string }{
		"empty":       {"", "read AWSCURRENT of secret arn: the version holds no text"},
		"not JSON":    {"hunter2", `secret arn: want JSON {"username","password"}`},
		"no password": {`{"username":"hunter2"}`, `secret arn: want JSON {"username","password"}`},
	} {
		t.Run(name, func(t *testing.T) {
			m := &manager{}
			m.rotate(test.value)
			_, _, err := secret.NewReader(m, "arn", 0).Credentials(t.Context())
			assert.EqualError(t, err, test.want)
		})
	}
}

// emptyBefore is a secret whose first version has no value, as some tools create it.
type emptyBefore struct{ *manager }

func (m emptyBefore) GetSecretValue(
	ctx context.Context, in *secretsmanager.GetSecretValueInput, o ...func(*secretsmanager.Options),
) (*secretsmanager.GetSecretValueOutput, error) {
	if *in.VersionStage == "AWSPREVIOUS" {
		return &secretsmanager.GetSecretValueOutput{}, nil
	}
	return m.manager.GetSecretValue(ctx, in, o...)
}

func TestPreviousVersionWithoutText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &manager{}
		m.rotate("one")
		got, err := secret.NewReader(emptyBefore{m}, "arn", overlap).Keys(t.Context())
		require.NoError(t, err)
		assert.Equal(t, keys("one"), got)
	})
}
