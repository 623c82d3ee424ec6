package platform

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"portfolio/local/servers"

	"github.com/coder/websocket"
)

// socketURL returns the address of the WebSocket API on this machine.
func (p *Platform) socketURL() (string, error) {
	api, err := p.Output("websocket-api-id")
	return fmt.Sprintf("ws://%s.execute-api.localhost:%d/prod", api, p.record.Ports.Emulator), err
}

// Connect opens a WebSocket with an API key.
func (p *Platform) Connect(ctx context.Context, key string) (*websocket.Conn, error) {
	ticket, err := p.Ticket(ctx, key)
	if err != nil {
		return nil, err
	}
	return p.Dial(ctx, "ticket="+ticket)
}

// Ticket exchanges an API key for a ticket, with which Dial opens one WebSocket.
func (p *Platform) Ticket(ctx context.Context, key string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.Endpoints.API+"/v1/ws-tickets", http.NoBody)
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "Bearer "+key)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("POST /v1/ws-tickets: got status %d, want %d", response.StatusCode, http.StatusCreated)
	}
	var answer struct{ Ticket string }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return "", fmt.Errorf("POST /v1/ws-tickets: %w", err)
	}
	return answer.Ticket, nil
}

// Dial opens a WebSocket with a query such as "ticket=…", or none.
func (p *Platform) Dial(ctx context.Context, query string) (*websocket.Conn, error) {
	url := p.Endpoints.WebSocket
	if query != "" {
		url += "?" + query
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	emulator := net.JoinHostPort(servers.Host, strconv.Itoa(p.record.Ports.Emulator))
	client := &http.Client{Transport: &http.Transport{
		// The host name need not be in DNS.
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, emulator)
		},
	}}
	socket, response, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: client})
	if err != nil {
		return nil, err
	}
	if response.Body != nil {
		response.Body.Close()
	}
	return socket, nil
}
