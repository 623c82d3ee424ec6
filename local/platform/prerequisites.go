package platform

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/hashicorp/go-version"
)

// The platform's fixed ports, all on loopback. The emulator names 5432 and 6379
// as the endpoints of RDS and ElastiCache, so they cannot be others.
const (
	emulatorPort = 4566
	postgresPort = 5432
	valkeyPort   = 6379
)

var servicePorts = [2]int{8081, 8082}

// BadInput is an error that the user can mend before anything has started.
type BadInput struct{ Err error }

func (e BadInput) Error() string { return e.Err.Error() }
func (e BadInput) Unwrap() error { return e.Err }

// tool is a program that has to be on the machine.
type tool struct {
	Name    string
	Args    []string
	Minimum string
}

var tools = []tool{
	{"go", []string{"version"}, "1.26"},
	{"node", []string{"--version"}, "20.9"},
	{"terraform", []string{"version"}, "1.11"},
	{"python3", []string{"--version"}, "3.10"},
}

var versionNumber = regexp.MustCompile(`\d+\.\d+(\.\d+)?`)

// check reports a tool that is missing or too old.
func (t tool) check(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, t.Name, t.Args...).Output()
	if err != nil {
		return fmt.Errorf("%s: got none, want %s or newer on PATH", t.Name, t.Minimum)
	}
	return t.judge(string(out))
}

// judge compares the first version number in a tool's own words.
func (t tool) judge(words string) error {
	got, err := version.NewVersion(versionNumber.FindString(words))
	if err != nil {
		return fmt.Errorf("%s: got %q, want a version number", t.Name, strings.TrimSpace(words))
	}
	if got.LessThan(version.Must(version.NewVersion(t.Minimum))) {
		return fmt.Errorf("%s: got %s, want %s or newer", t.Name, got, t.Minimum)
	}
	return nil
}

// checkMachine reports every tool and port that stands in the way.
func checkMachine(ctx context.Context, root string) error {
	var errs []error
	for _, t := range tools {
		errs = append(errs, t.check(ctx))
	}
	for _, made := range []string{"build/backend/portfolio", "build/lambda/bootstrap", "build/tools/python/bin/python"} {
		if _, err := os.Stat(filepath.Join(root, made)); err != nil {
			errs = append(errs, fmt.Errorf("%s: got none, want what `make setup build` makes", made))
		}
	}
	for _, port := range append([]int{emulatorPort, postgresPort, valkeyPort}, servicePorts[:]...) {
		errs = append(errs, checkPort(port))
	}
	if err := errors.Join(errs...); err != nil {
		return BadInput{err}
	}
	return nil
}

// checkPort reports a port that somebody listens on, and who where that can be known.
func checkPort(port int) error {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err == nil {
		return l.Close()
	}
	return fmt.Errorf("port %d: got %s, want it free", port, holder(port))
}

// holder names the process that listens on a port.
func holder(port int) string {
	inode := listeningInode(port)
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*") // no match is an answer, too
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
