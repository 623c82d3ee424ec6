package push

import (
	"slices"
	"strconv"
	"time"

	"portfolio/backend"
	"portfolio/contract/wire"
)

type snapshotMessage struct {
	Type      string            `json:"type"` // "snapshot"
	Portfolio string            `json:"portfolio"`
	Sequence  int64             `json:"sequence"`
	Part      int               `json:"part,omitempty"` // 1 to Parts, where one message is too small
	Parts     int               `json:"parts,omitempty"`
	Valuation backend.Valuation `json:"valuation"` // lists are divided among the parts
}

type deltaMessage struct {
	Type      string `json:"type"` // "delta"
	Portfolio string `json:"portfolio"`
	After     int64  `json:"after"` // for clients that have this number or a later one
	Sequence  int64  `json:"sequence"`
	Delta
}

type reconnectMessage struct {
	Type          string `json:"type"` // "reconnect"
	WithinSeconds int    `json:"within_seconds"`
}

var keepAlive = []byte(`{"type":"keepalive"}`)

func reconnect(within time.Duration) []byte {
	return wire.Encode(reconnectMessage{Type: "reconnect", WithinSeconds: int(within.Seconds())})
}

// encodeDelta returns nil if the delta does not fit into one message.
func encodeDelta(portfolio string, after, sequence int64, d Delta) [][]byte {
	text := deltaMessage{Type: "delta", Portfolio: portfolio, After: after, Sequence: sequence, Delta: d}.appendJSON(nil)
	if len(text) > wire.MaxMessage {
		return nil
	}
	return [][]byte{text}
}

// appendJSON appends what json.Marshal writes.
func (m deltaMessage) appendJSON(out []byte) []byte {
	const room = 1 << 10 // of a delta with one position
	out = slices.Grow(out, room)
	out = backend.AppendText(append(out, `{"type":`...), m.Type)
	out = backend.AppendText(append(out, `,"portfolio":`...), m.Portfolio)
	out = strconv.AppendInt(append(out, `,"after":`...), m.After, 10)
	out = strconv.AppendInt(append(out, `,"sequence":`...), m.Sequence, 10)
	out = backend.AppendTime(append(out, `,"as_of":`...), m.AsOf)
	out = backend.AppendText(append(out, `,"state":`...), string(m.State))
	out = backend.AppendNumber(append(out, `,"total":`...), m.Total)
	out = backend.AppendNumber(append(out, `,"invested":`...), m.Invested)
	out = backend.AppendNumber(append(out, `,"cash":`...), m.Cash)
	out = m.AppendMembers(append(out, ','))
	out = backend.AppendList(append(out, `,"positions":`...), m.Positions, (*backend.Position).AppendJSON)
	out = backend.AppendList(append(out, `,"removed":`...), m.Removed,
		func(symbol *string, out []byte) []byte { return backend.AppendText(out, *symbol) })
	out = backend.AppendList(append(out, `,"cash_positions":`...), m.Balances, (*backend.CashPosition).AppendJSON)
	out = backend.AppendList(append(out, `,"quotes":`...), m.Quotes, (*backend.UsedQuote).AppendJSON)
	out = backend.AppendList(append(out, `,"rates":`...), m.Rates, (*backend.UsedRate).AppendJSON)
	return append(out, '}')
}

// encodeSnapshot divides a snapshot into as many messages as it needs.
func encodeSnapshot(portfolio string, sequence int64, v backend.Valuation) [][]byte {
	whole := wire.Encode(snapshotMessage{Type: "snapshot", Portfolio: portfolio, Sequence: sequence, Valuation: v})
	if len(whole) <= wire.MaxMessage {
		return [][]byte{whole}
	}
	for parts := len(whole)/wire.MaxMessage + 1; ; parts++ {
		messages := make([][]byte, 0, parts)
		for i := range parts {
			part := v
			part.Positions, part.Balances = share(v.Positions, i, parts), share(v.Balances, i, parts)
			part.Quotes, part.Rates = share(v.Quotes, i, parts), share(v.Rates, i, parts)
			text := wire.Encode(snapshotMessage{
				Type: "snapshot", Portfolio: portfolio, Sequence: sequence, Part: i + 1, Parts: parts, Valuation: part,
			})
			if len(text) > wire.MaxMessage {
				break
			}
			messages = append(messages, text)
		}
		if len(messages) == parts {
			return messages
		}
	}
}

// share returns the i-th of n shares of a list.
func share[T any](list []T, i, n int) []T { return list[i*len(list)/n : (i+1)*len(list)/n] }
