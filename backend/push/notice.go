package push

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"portfolio/backend"
	"portfolio/contract/wire"
)

const (
	// noticeEvery is how often the store is asked for notices. Revocations and
	// deletions are announced, so that they are looked for at once.
	noticeEvery = 250 * time.Millisecond
	// noticeRetry is when another attempt is due, at any instance.
	noticeRetry = postTimeout + time.Second
	// maxNotices are read at once.
	maxNotices = 256
	// notifiers are how many notices are posted at the same time.
	notifiers = 16
)

// Notice is an event that must be reported to the client of a connection.
type Notice struct {
	ID         int64
	Connection backend.Connection
	Deleted    string // the portfolio that was deleted; "" if the connection's key ended
}

// notifySoon requests a look for notices now.
func (e *Engine) notifySoon() {
	select {
	case e.notices <- struct{}{}:
	default: // about to happen
	}
}

// notifyAll posts notices until ctx ends.
func (e *Engine) notifyAll(ctx context.Context) {
	ticker := time.NewTicker(noticeEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-e.notices:
		}
		e.retry(ctx, "reading notices failed", e.notify)
	}
}

// notify posts the notices that are due.
func (e *Engine) notify(ctx context.Context) error {
	reading, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	list, err := e.Store.Notices(reading, noticeRetry, maxNotices)
	if err != nil || len(list) == 0 {
		return err
	}
	if len(list) == maxNotices {
		defer e.notifySoon()
	}
	todo := make(chan Notice, len(list))
	for _, n := range list {
		todo <- n
	}
	close(todo)
	var done []int64    // notices that were delivered
	var closed []string // connections that are gone
	var mu sync.Mutex   // guards both
	var tasks sync.WaitGroup
	for range min(notifiers, len(list)) {
		tasks.Go(func() {
			for n := range todo {
				gone, err := e.deliverNotice(ctx, n)
				mu.Lock()
				switch {
				case gone:
					closed = append(closed, n.Connection.ID)
				case err == nil:
					done = append(done, n.ID)
				default:
					e.Log.Warn("posting a notice failed", "connectionId", n.Connection.ID, slog.Any("error", err))
				}
				mu.Unlock()
			}
		})
	}
	tasks.Wait()
	return errors.Join(e.forget(ctx, closed), e.noticed(ctx, done))
}

// deliverNotice posts a notice, and closes the connection if its key ended. Gone
// reports that the connection is closed.
func (e *Engine) deliverNotice(ctx context.Context, n Notice) (gone bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, postTimeout)
	defer cancel()
	message := wire.NewError(backend.CodeUnauthorized, "the API key of this connection has ended")
	if n.Deleted != "" {
		message = wire.NewError(backend.CodeNotFound, "the portfolio was deleted")
		message.Portfolio = n.Deleted
	} else {
		e.stopPosts(n.Connection.ID)
	}
	err = e.Poster.Post(ctx, n.Connection, wire.Encode(message))
	if n.Deleted == "" && !errors.Is(err, ErrGone) {
		// The connection is closed even if the notice could not be posted.
		err = e.Poster.Close(ctx, n.Connection)
		gone = err == nil
	}
	if errors.Is(err, ErrGone) {
		return true, nil
	}
	return gone, err
}

// stopPosts ends all posts to a connection.
func (e *Engine) stopPosts(connection string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended[connection] = true
	if c := e.conns[connection]; c != nil {
		e.leave(c)
	}
}

// forget removes closed connections from the store.
func (e *Engine) forget(ctx context.Context, connections []string) error {
	if len(connections) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	if err := e.Store.Forget(ctx, connections); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, id := range connections {
		delete(e.ended, id)
		delete(e.gone, id)
	}
	return nil
}

func (e *Engine) noticed(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	return e.Store.Noticed(ctx, ids)
}
