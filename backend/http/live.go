package http

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"portfolio/backend"
)

// Live sends the values of portfolios to connections as they change.
type Live interface {
	// Subscribe makes a connection watch a portfolio. Its client has everything up to
	// the number after, and nothing if that is 0.
	Subscribe(ctx context.Context, connection, portfolio string, after int64) error
	Unsubscribe(ctx context.Context, connection, portfolio string) error
}

// memberForms describes the members of messages.
var memberForms = map[string]string{"portfolio": "the ID of a portfolio", "sequence": "the number of the last message"}

// maxSequence is the largest integer that JavaScript represents exactly.
const maxSequence = 1<<53 - 1

// watching answers a subscription. The snapshot or the deltas may arrive before it.
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
		return nil, invalidMessage(fmt.Sprintf("sequence: got %d, want the number of the last message, 0 to 2^53-1",
			sequence))
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

// decode decodes the members into the pointers of wanted. All of them are required,
// and there must be no others.
func (f fields) decode(wanted map[string]any) error {
	for name := range f {
		if wanted[name] == nil {
			return invalidMessage(fmt.Sprintf("%.40q: got an unknown member, want only %s", name,
				strings.Join(slices.Sorted(maps.Keys(wanted)), ", ")))
		}
	}
	for name, to := range wanted {
		if text, there := f[name]; !there || string(text) == "null" || json.Unmarshal(text, to) != nil {
			return invalidMessage(fmt.Sprintf("%s: got %.40s, want %s", name,
				cmp.Or(string(text), "nothing"), memberForms[name]))
		}
		if id, isID := to.(*string); isID && !backend.ValidID(*id) {
			return invalidMessage(fmt.Sprintf("%s: got %.40q, want %s", name, *id, memberForms[name]))
		}
	}
	return nil
}

// admit returns the principal of a handshake's ticket, which cannot be used again even if
// the handshake fails.
func (a *api) admit(ctx context.Context, address string, query map[string][]string) (backend.Principal, error) {
	tickets := query["ticket"]
	if len(tickets) != 1 || tickets[0] == "" || len(tickets[0]) > maxSecret {
		if err := a.guests.admit(address, a.Now()); err != nil {
			return backend.Principal{}, err
		}
		return backend.Principal{}, &backend.Error{
			Code:    backend.CodeUnauthenticated,
			Message: "got no ticket, want ?ticket= with one from POST /v1/ws-tickets",
		}
	}
	by, err := a.redeem(ctx, address, backend.HashSecret(tickets[0]))
	if err == nil && !by.May(backend.ScopeRead) {
		err = lacksScope(backend.ScopeRead)
	}
	return by, err
}

// redeem returns the principal of a ticket that an address presents, once.
func (a *api) redeem(ctx context.Context, address string, hash backend.SecretHash) (backend.Principal, error) {
	if err := a.guests.admit(address, a.Now()); err != nil {
		return backend.Principal{}, err
	}
	by, err := a.Tickets.RedeemTicket(ctx, hash, a.Now())
	if err != nil && publicError(err).Code == backend.CodeUnauthenticated {
		a.guests.refused(address, a.Now())
	}
	return by, err
}
