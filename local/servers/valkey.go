package servers

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/valkey-io/valkey-go"
)

// ValkeyConfig configures StartValkey. The zero value is right for tests.
type ValkeyConfig struct {
	Port      int        // of the TLS listener; 0 chooses a free one
	Authority *Authority // signs the server's certificate; nil makes one
	Launch    Launcher   // nil ties the server to this process
	// FrontCommand is a command that calls ServeFront: it runs the TLS listener as a
	// process of its own. Without it the listener runs in this process.
	FrontCommand []string
}

// Valkey is a running Valkey server that behaves like ElastiCache Serverless: TLS, cluster
// mode, one endpoint.
type Valkey struct {
	Port   int
	CAFile string // PEM, what clients verify the server with
	Folder string // all its files; Stop removes it

	server, front *Process
	stopFront     context.CancelFunc // of the listener in this process
	frontEnded    chan error
}

// StartValkey starts Valkey and returns when it answers. It listens on
// 127.0.0.1 only and accepts TLS connections only. Its cluster bus is on loopback, too,
// and has no other node. On error nothing is left.
func StartValkey(ctx context.Context, c ValkeyConfig) (_ *Valkey, err error) {
	binary, err := FindValkey(ctx)
	if err != nil {
		return nil, err
	}
	if c.Port == 0 {
		if c.Port, err = FreePort(); err != nil {
			return nil, err
		}
	}
	bus, err := FreePort()
	if err != nil {
		return nil, err
	}
	folder, err := runFolder("portfolio-valkey-", nil)
	if err != nil {
		return nil, err
	}
	v := &Valkey{Port: c.Port, CAFile: filepath.Join(folder, "ca.pem"), Folder: folder}
	defer func() {
		if err != nil {
			err = errors.Join(err, v.Stop())
		}
	}()
	cmd := exec.Command(binary, v.arguments(bus)...)
	cmd.Dir = folder
	if v.server, err = Start("valkey", cmd, c.Launch); err != nil {
		return nil, err
	}
	if err := v.server.Await(ctx, v.claimSlots); err != nil {
		return nil, err
	}
	if err := v.startFront(ctx, c); err != nil {
		return nil, err
	}
	return v, v.server.Await(ctx, v.ping)
}

// Address returns host:port for a cluster client.
func (v *Valkey) Address() string { return "localhost:" + strconv.Itoa(v.Port) }

// Stop ends the server and removes its files. A second call does nothing.
func (v *Valkey) Stop() error {
	var errs []error
	if v.stopFront != nil {
		v.stopFront()
		errs = append(errs, <-v.frontEnded)
		v.stopFront = nil
	}
	for _, p := range []*Process{v.front, v.server} {
		if p != nil {
			errs = append(errs, p.stop(syscall.SIGTERM))
		}
	}
	return errors.Join(append(errs, os.RemoveAll(v.Folder))...)
}

func (v *Valkey) socket() string { return filepath.Join(v.Folder, "s") }

// arguments returns those for a cluster of one node that tells clients its TLS address.
func (v *Valkey) arguments(bus int) []string {
	return []string{
		"--port", "0", "--unixsocket", v.socket(), "--unixsocketperm", "700",
		"--bind", Host, "--dir", v.Folder, "--save", "", "--appendonly", "no",
		"--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(bus),
		"--cluster-announce-ip", Host, "--cluster-announce-port", strconv.Itoa(v.Port),
		"--cluster-announce-hostname", "localhost", "--cluster-preferred-endpoint-type", "hostname",
	}
}

// claimSlots assigns all slots to the only node.
func (v *Valkey) claimSlots(ctx context.Context) error {
	client, err := valkey.NewClient(valkey.ClientOption{
		InitAddress:       []string{"unix"},
		DialCtxFn:         dialUnix(v.socket()),
		ForceSingleClient: true,
		DisableCache:      true,
	})
	if err != nil {
		return err
	}
	defer client.Close()
	return client.Do(ctx, client.B().ClusterAddslotsrange().StartSlotEndSlot().StartSlotEndSlot(0, 16383).Build()).Error()
}

// dialUnix dials a server's socket, whatever the address.
func dialUnix(socket string) func(context.Context, string, *net.Dialer, *tls.Config) (net.Conn, error) {
	return func(ctx context.Context, _ string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
		return d.DialContext(ctx, "unix", socket)
	}
}

// startFront opens the TLS listener.
func (v *Valkey) startFront(ctx context.Context, c ValkeyConfig) (err error) {
	if c.Authority == nil {
		if c.Authority, err = NewAuthority(); err != nil {
			return err
		}
	}
	if err := os.WriteFile(v.CAFile, c.Authority.PEM(), 0o600); err != nil {
		return err
	}
	f := front{Port: v.Port, Socket: v.socket()}
	if f.Cert, f.Key, err = c.Authority.Issue(); err != nil {
		return err
	}
	if len(c.FrontCommand) > 0 {
		input, err := json.Marshal(f)
		if err != nil {
			return err
		}
		cmd := exec.Command(c.FrontCommand[0], c.FrontCommand[1:]...)
		cmd.Dir = v.Folder
		cmd.Stdin = bytes.NewReader(input)
		v.front, err = Start("valkey-tls", cmd, c.Launch)
		return err
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	listening := make(chan struct{})
	v.frontEnded = make(chan error, 1)
	v.stopFront = stop
	go func() { v.frontEnded <- f.serve(serving, func() { close(listening) }) }()
	select {
	case <-listening:
		return nil
	case err := <-v.frontEnded:
		v.frontEnded <- nil // Stop reads it
		return err
	}
}

// ping succeeds once the cluster serves keys, about two seconds after start.
func (v *Valkey) ping(ctx context.Context) error {
	if v.front != nil {
		select {
		case <-v.front.ended:
			return fmt.Errorf("%s ended early", v.front.name)
		default:
		}
	}
	pem, err := os.ReadFile(v.CAFile)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client, err := valkey.NewClient(valkey.ClientOption{
		InitAddress:  []string{v.Address()},
		TLSConfig:    &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS12},
		DisableCache: true,
	})
	if err != nil {
		return err
	}
	defer client.Close()
	return client.Do(ctx, client.B().Exists().Key("any").Build()).Error()
}
