package source

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"
)

const (
	heartbeat  = 10 * time.Second
	maxMessage = 64 << 10
)

// socketURL is the address of the socket that belongs to an API.
func socketURL(api string) string {
	if api == "" {
		return "wss://ws.twelvedata.com/v1/quotes/price"
	}
	return "ws" + strings.TrimPrefix(strings.TrimSuffix(api, "/"), "http") + "/v1/quotes/price"
}

// twelveDataEvent is a message of the socket.
type twelveDataEvent struct {
	Event     string      `json:"event"`
	Symbol    string      `json:"symbol"`
	MIC       string      `json:"mic_code"`
	Currency  string      `json:"currency"`
	Timestamp json.Number `json:"timestamp"` // seconds
	Price     json.Number `json:"price"`
	Status    string      `json:"status"`
}

// Stream implements Source.
func (t *twelveData) Stream(ctx context.Context, instruments []Instrument, receive func(Price)) error {
	if t.socket == "" {
		return ErrNotOffered
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	address := t.socket + "?" + url.Values{"apikey": {t.key}}.Encode()
	conn, response, err := websocket.Dial(ctx, address, nil) //nolint:bodyclose // callers of Dial need not
	if response != nil && response.StatusCode == 401 {
		return t.client.failed(Unauthorised, status(response))
	}
	if err != nil {
		return t.client.failed(Temporary, hidden(err, t.key))
	}
	defer conn.CloseNow()
	conn.SetReadLimit(maxMessage)
	known := map[string]Instrument{}
	ids := make([]string, len(instruments))
	for k, i := range instruments {
		ids[k], known[i.id()] = i.id(), i
	}
	subscribe, err := json.Marshal(map[string]any{
		"action": "subscribe", "params": map[string]string{"symbols": strings.Join(ids, ",")},
	})
	if err != nil {
		return err
	}
	if err := conn.Write(ctx, websocket.MessageText, subscribe); err != nil {
		return t.client.failed(Temporary, err)
	}
	go beat(ctx, cancel, conn)
	for {
		_, message, err := conn.Read(ctx)
		if err != nil {
			return t.client.failed(Temporary, err)
		}
		var e twelveDataEvent
		if err := t.client.decode(message, &e); err != nil || e.Event != "price" {
			continue // heartbeats and the status of the subscription
		}
		i, found := known[e.Symbol]
		seconds, err := e.Timestamp.Int64()
		value, ok := number(e.Price.String())
		if !found || err != nil || !ok {
			continue
		}
		if i.MIC == "" {
			i.MIC = e.MIC
		}
		prices, err := t.price(i, value, e.Currency, time.Unix(seconds, 0), true)
		if err != nil {
			return err
		}
		receive(prices[0])
	}
}

// beat sends the messages that keep the socket open.
func beat(ctx context.Context, cancel context.CancelFunc, conn *websocket.Conn) {
	defer cancel()
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if conn.Write(ctx, websocket.MessageText, []byte(`{"action":"heartbeat"}`)) != nil {
				return
			}
		}
	}
}
