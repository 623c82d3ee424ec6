package platform

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"portfolio/local/servers"
)

// Ports are where the parts of a platform listen, all on loopback.
type Ports struct {
	Emulator int    `json:"emulator"`
	Postgres int    `json:"postgres"`
	Valkey   int    `json:"valkey"`
	Services [2]int `json:"services"`
}

// usualPorts are taken where they are free.
var usualPorts = Ports{
	Emulator: servers.EmulatorPort, Postgres: servers.PostgresPort, Valkey: servers.ValkeyPort,
	Services: [2]int{8081, 8082},
}

// all are the ports with the names of what listens on them.
func (p *Ports) all() []namedPort {
	return []namedPort{
		{"emulator", &p.Emulator}, {"PostgreSQL", &p.Postgres}, {"Valkey", &p.Valkey},
		{"service 1", &p.Services[0]}, {"service 2", &p.Services[1]},
	}
}

type namedPort struct {
	name string
	port *int
}

// String names the ports on one line.
func (p Ports) String() string {
	return fmt.Sprintf("emulator %d, PostgreSQL %d, Valkey %d, service %d %d",
		p.Emulator, p.Postgres, p.Valkey, p.Services[0], p.Services[1])
}

// choosePorts returns each wanted port if it is free and another free one if not, with
// a line for each that is not the wanted one. A wanted port of 0 is any free one.
func choosePorts(wanted Ports) (chosen Ports, taken []string, err error) {
	chosen = wanted
	for _, each := range chosen.all() {
		want := *each.port
		if want != 0 && isFree(want) {
			continue
		}
		if *each.port, err = servers.FreePort(); err != nil {
			return Ports{}, nil, err
		}
		if want != 0 {
			taken = append(taken, fmt.Sprintf("port %d is taken by %s: %s uses %d", want,
				holder(want), each.name, *each.port))
		}
	}
	return chosen, taken, nil
}

// isFree reports whether nothing answers on a port, by either protocol, and it can be
// listened on. Only the former finds a server that listens on all interfaces on macOS,
// and one that listens only on the IPv6 loopback, which clients of localhost try first.
func isFree(port int) bool {
	for _, host := range []string{servers.Host, "::1"} {
		if conn, err := net.DialTimeout("tcp", net.JoinHostPort(host, strconv.Itoa(port)), time.Second); err == nil {
			conn.Close()
			return false
		}
	}
	l, err := net.Listen("tcp", net.JoinHostPort(servers.Host, strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// reservations keep the ports of the instances free: Terraform takes minutes
// before the instances start.
type reservations []net.Listener

func reserve(ports ...int) (held reservations, err error) {
	for _, port := range ports {
		l, err := net.Listen("tcp", net.JoinHostPort(servers.Host, strconv.Itoa(port)))
		if err != nil {
			held.release()
			return nil, err
		}
		held = append(held, l)
	}
	return held, nil
}

// release frees the ports. A second call does nothing.
func (r reservations) release() {
	for _, l := range r {
		l.Close() // closed before, or closed now
	}
}

// lockPorts keeps other platforms of this user from choosing ports until unlock is
// called: between choosing one and listening on it lies the start of a server.
func lockPorts(ctx context.Context) (unlock func(), err error) {
	cache, err := servers.CacheFolder()
	if err != nil {
		return nil, err
	}
	return servers.Lock(ctx, filepath.Join(cache, "ports.lock"))
}

// holder names the process that listens on a port, if the kernel shows it.
func holder(port int) string {
	inode := listeningInode(port)
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*") // none outside Linux
	for _, link := range links {
		if target, err := os.Readlink(link); inode == "" || err != nil || target != "socket:["+inode+"]" {
			continue
		}
		pid := strings.Split(link, "/")[2]
		if name, err := os.ReadFile("/proc/" + pid + "/comm"); err == nil {
			return fmt.Sprintf("%s (pid %s)", strings.TrimSpace(string(name)), pid)
		}
	}
	return "another process"
}

// listeningInode finds a listening socket in the kernel's tables (proc_net_tcp(5)).
func listeningInode(port int) string {
	local := fmt.Sprintf(":%04X", port)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) > 9 && strings.HasSuffix(f[1], local) && f[3] == "0A" {
				return f[9]
			}
		}
	}
	return ""
}
