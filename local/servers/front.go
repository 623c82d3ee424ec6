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

// front takes TLS connections on a loopback port for a server that speaks
// plain text on a Unix socket. It is also what its own process reads as JSON.
type front struct {
	Port   int    `json:"port"`
	Socket string `json:"socket"`
	Cert   []byte `json:"cert"` // PEM
	Key    []byte `json:"key"`  // PEM
}

// ServeFront runs a TLS front until ctx ends, in the process that a
// ValkeyConfig's FrontCommand names. It reads what to serve from stdin, so that
// the private key is never in a file.
func ServeFront(ctx context.Context, stdin io.Reader) error {
	var f front
	if err := json.NewDecoder(stdin).Decode(&f); err != nil {
		return fmt.Errorf("read what to serve: %w", err)
	}
	return f.serve(ctx, nil)
}

// serve listens, calls listening, and passes connections on until ctx ends.
func (f front) serve(ctx context.Context, listening func()) error {
	pair, err := tls.X509KeyPair(f.Cert, f.Key)
	if err != nil {
		return err
	}
	l, err := tls.Listen("tcp", address(f.Port), &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
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
		open.Go(func() { f.pass(ctx, client) })
	}
}

// pass copies both ways until either side closes or ctx ends. A client without
// TLS fails the handshake at the first read.
func (f front) pass(ctx context.Context, client net.Conn) {
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
	for _, way := range []struct{ to, from net.Conn }{{server, client}, {client, server}} {
		copies.Go(func() {
			defer cancel()
			_, _ = io.Copy(way.to, way.from) // a broken connection is how most of them end
		})
	}
	copies.Wait()
}
