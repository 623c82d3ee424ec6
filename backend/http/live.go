package http

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"portfolio/backend"
)

// Live tells connections what portfolios are worth, by messages of its own.
type Live interface {
	// Subscribe has a connection watch a portfolio, from a number on; 0 for the
	// beginning.
	Subscribe(ctx context.Context, connection, portfolio string, after int64) error
	Unsubscribe(ctx context.Context, connection, portfolio string) error
}

// maxSequence is the largest integer that JavaScript keeps exactly.
const maxSequence = 1<<53 - 1

// watching answers what was asked of Live. The snapshot or the deltas may
// arrive before it.
type watching struct {
	Type      string `json:"type"` // "subscribed" or "unsubscribed"
	Portfolio string `json:"portfolio"`
}

func (a *api) subscribe(ctx context.Context, connection string, f fields) (any, error) {
	var portfolio string
	if err := f.decode(map[string]any{"portfolio": &portfolio}); err != nil {
		return nil, err
	}
	return watching{"subscribed", portfolio}, a.Live.Subscribe(ctx, connection, portfolio, 0)
}

func (a *api) resume(ctx context.Context, connection string, f fields) (any, error) {
	var portfolio string
	var sequence int64
	if err := f.decode(map[string]any{"portfolio": &portfolio, "sequence": &sequence}); err != nil {
		return nil, err
	}
	if sequence < 0 || sequence > maxSequence {
		return nil, invalidMessage("sequence: want the number of the last message, 0 to 2^53-1")
	}
	return watching{"subscribed", portfolio}, a.Live.Subscribe(ctx, connection, portfolio, sequence)
}

func (a *api) unsubscribe(ctx context.Context, connection string, f fields) (any, error) {
	var portfolio string
	if err := f.decode(map[string]any{"portfolio": &portfolio}); err != nil {
		return nil, err
	}
	return watching{"unsubscribed", portfolio}, a.Live.Unsubscribe(ctx, connection, portfolio)
}

// decode reads exactly the members that are wanted, into pointers.
func (f fields) decode(wanted map[string]any) error {
	for name := range f {
		if wanted[name] == nil {
			return invalidMessage("the message has a member that this action does not know")
		}
	}
	for name, to := range wanted {
		if text, there := f[name]; !there || string(text) == "null" || json.Unmarshal(text, to) != nil {
			return invalidMessage(fmt.Sprintf("%s: missing, or not what it should be", name))
		}
		if id, isID := to.(*string); isID && !backend.ValidID(*id) {
			return invalidMessage(name + ": want a UUID")
		}
	}
	return nil
}

// admit gives the principal that a handshake's ticket stands for. A ticket is
// used up by this, whatever becomes of the handshake.
func (a *api) admit(ctx context.Context, address string, query map[string][]string) (backend.Principal, error) {
	if err := a.guests.admit(address, a.Now()); err != nil {
		return backend.Principal{}, err
	}
	tickets := query["ticket"]
	if len(tickets) != 1 || tickets[0] == "" || len(tickets[0]) > 128 {
		return backend.Principal{}, &backend.Error{
			Code: backend.CodeUnauthenticated, Message: "no ticket: want ?ticket=, from POST /v1/ws-tickets",
			Err: errors.New("handshake without one ticket"),
		}
	}
	by, err := a.Tickets.RedeemTicket(ctx, backend.HashSecret(tickets[0]), a.Now())
	if err != nil && publicError(err).Code == backend.CodeUnauthenticated {
		a.guests.refused(address, a.Now())
	}
	if err == nil && !by.May(backend.ScopeRead) {
		err = lacksScope(backend.ScopeRead)
	}
	return by, err
}
