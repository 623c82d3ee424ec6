package push_test

import (
	"encoding/json"
	"fmt"
	"time"

	"portfolio/backend"
	"portfolio/backend/push"
	"portfolio/backend/push/pushtest"

	"github.com/stretchr/testify/assert"
)

// client applies the messages of a connection, as a client's program does.
type client struct {
	messages []message
	raw      []string
	sequence map[string]int64
	view     map[string]backend.Valuation
	problems []string
}

type message struct {
	Type          string            `json:"type"`
	Portfolio     string            `json:"portfolio"`
	After         int64             `json:"after"`
	Sequence      int64             `json:"sequence"`
	Part          int               `json:"part"`
	Parts         int               `json:"parts"`
	Valuation     backend.Valuation `json:"valuation"`
	Code          string            `json:"code"`
	WithinSeconds int               `json:"within_seconds"`
	push.Delta
}

// connect opens a connection.
func (w *world) connect(id string) *client {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.connections[id] = backend.Connection{
		ID: id, Owner: owner, KeyID: "key-" + id, ConnectedAt: time.Now(),
		ExpiresAt: time.Now().Add(backend.ConnectionLifetime),
	}
	c := &client{sequence: map[string]int64{}, view: map[string]backend.Valuation{}}
	w.clients[id] = c
	return c
}

// take applies a message, and records a problem if a client must never receive it.
func (c *client) take(text []byte) {
	var m message
	if err := json.Unmarshal(text, &m); err != nil {
		c.problems = append(c.problems, err.Error())
		return
	}
	c.messages, c.raw = append(c.messages, m), append(c.raw, string(text))
	known := c.sequence[m.Portfolio]
	switch m.Type {
	case "snapshot":
		if m.Sequence < known {
			c.problems = append(c.problems, fmt.Sprintf("snapshot %d after %d", m.Sequence, known))
		}
		v := m.Valuation
		if m.Part > 1 {
			whole := c.view[m.Portfolio]
			v.Positions, v.Balances = append(whole.Positions, v.Positions...), append(whole.Balances, v.Balances...)
			v.Quotes, v.Rates = append(whole.Quotes, v.Quotes...), append(whole.Rates, v.Rates...)
		}
		c.view[m.Portfolio], c.sequence[m.Portfolio] = v, m.Sequence
	case "delta":
		if m.After > known || m.Sequence <= known {
			c.problems = append(c.problems, fmt.Sprintf("delta %d–%d on %d", m.After, m.Sequence, known))
		}
		c.view[m.Portfolio], c.sequence[m.Portfolio] = pushtest.Apply(m.Delta, c.view[m.Portfolio]), m.Sequence
	}
}

// view returns the valuation of a portfolio that a client has.
func (w *world) view(c *client, portfolio string) backend.Valuation {
	w.mu.Lock()
	defer w.mu.Unlock()
	assert.Empty(w.t, c.problems)
	return c.view[portfolio]
}

// total returns the total of a portfolio that a client has, "" if it has none.
func (w *world) total(c *client, portfolio string) string {
	if v := w.view(c, portfolio); v.Total.Valid {
		return v.Total.Decimal.String()
	}
	return ""
}

func (w *world) types(c *client) (types []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range c.messages {
		types = append(types, m.Type)
	}
	return types
}
