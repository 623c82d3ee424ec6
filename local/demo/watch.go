package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"portfolio/contract/wire"

	"github.com/coder/websocket"
)

// Watch subscribes a new socket to a portfolio and prints each message on a line until ctx
// is done, which is not an error. A message of the type "error" is. It closes the socket.
func Watch(ctx context.Context, socket *websocket.Conn, portfolio string, out io.Writer) error {
	defer socket.CloseNow()
	socket.SetReadLimit(wire.MaxMessage)
	subscribe, err := json.Marshal(map[string]string{"action": "subscribe", "portfolio": portfolio})
	if err != nil {
		return err
	}
	if err := socket.Write(ctx, websocket.MessageText, subscribe); err != nil {
		return unlessDone(ctx, err)
	}
	for {
		_, text, err := socket.Read(ctx)
		if err != nil {
			return unlessDone(ctx, err)
		}
		var message struct{ Type, Code, Message string }
		var line bytes.Buffer
		if err := json.Unmarshal(text, &message); err != nil {
			return fmt.Errorf("got %.80q from the WebSocket, want a JSON object", text)
		}
		if message.Type == "error" {
			return fmt.Errorf("%s: %s", message.Code, message.Message)
		}
		if err := json.Compact(&line, text); err != nil {
			return err
		}
		fmt.Fprintln(out, line.String())
	}
}

func unlessDone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
