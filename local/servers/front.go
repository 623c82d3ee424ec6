package servers

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"sync"
)

// front accepts TLS connections on a loopback port for a server that listens on a Unix
// socket without TLS. A process of its own reads it as JSON.
type front struct {
	Port   int    `json:"port"`
	Socket string `json:"socket"`
	Cert   []byte `json:"cert"` // PEM
	Key    []byte `json:"key"`  // PEM
}

// ServeFront runs a TLS listener until ctx is done, in the process of a ValkeyConfig's
// FrontCommand. It reads what to serve from stdin, so that no file holds the private key.
func ServeFront(ctx context.Context, stdin io.Reader) error {
	var f front
	if err := json.NewDecoder(stdin).Decode(&f); err != nil {
		return fmt.Errorf("read what to serve: %w", err)
	}
	return f.serve(ctx, nil)
}

// serve listens, calls listening, and forwards connections until ctx is done.
func (f front) serve(ctx context.Context, listening func()) error {
	pair, err := tls.X509KeyPair(f.Cert, f.Key)
	if err != nil {
		return err
	}
	l, err := tls.Listen("tcp", address(f.Port), &tls.Config{
		Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12,
	})
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { l.Close() })()
	if listening != nil {
		listening()
	}
	var open sync.WaitGroup
	defer open.Wait()
	for {
		client, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		open.Go(func() { f.forward(ctx, client) })
	}
}

// forward copies in both directions until either side closes or ctx is done. The first
// read from a client without TLS fails in the handshake.
func (f front) forward(ctx context.Context, client net.Conn) {
	defer client.Close()
	server, err := (&net.Dialer{}).DialContext(ctx, "unix", f.Socket)
	if err != nil {
		return
	}
	defer server.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	context.AfterFunc(ctx, func() { client.Close(); server.Close() })
	var copies sync.WaitGroup
	for _, direction := range []struct{ to, from net.Conn }{{server, client}, {client, server}} {
		copies.Go(func() {
			defer cancel()
			_, _ = io.Copy(direction.to, direction.from) // most connections end with an error
		})
	}
	copies.Wait()
}
