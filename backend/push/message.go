package push

import (
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
func encodeDelta(portfolio string, after, sequence int64, d Delta) []byte {
	text := wire.Encode(deltaMessage{Type: "delta", Portfolio: portfolio, After: after, Sequence: sequence, Delta: d})
	if len(text) > wire.MaxMessage {
		return nil
	}
	return text
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
