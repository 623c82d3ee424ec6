package stacks

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// units are the unit files that the boot script installs.
var units = []string{"portfolio.service", "portfolio-logrotate.service", "portfolio-logrotate.timer"}

// valuesOf219 are the values that systemd 219 accepts for directives that have more in
// later releases. It ignores what it does not know, with a line in the journal.
var valuesOf219 = map[string]*regexp.Regexp{
	"ProtectSystem":  regexp.MustCompile(`^(yes|no|full)$`),
	"ProtectHome":    regexp.MustCompile(`^(yes|no|read-only)$`),
	"StandardOutput": regexp.MustCompile(`^(inherit|null|tty|journal|syslog|kmsg|journal\+console|syslog\+console|kmsg\+console|socket)$`),
	"StandardError":  regexp.MustCompile(`^(inherit|null|tty|journal|syslog|kmsg|journal\+console|syslog\+console|kmsg\+console|socket)$`),
	"Type":           regexp.MustCompile(`^(simple|forking|oneshot|dbus|notify|idle)$`),
	"KillMode":       regexp.MustCompile(`^(control-group|process|mixed|none)$`),
	"ExecStart":      regexp.MustCompile(`^[-@]*/`),
	"ExecStartPre":   regexp.MustCompile(`^[-@]*/`),
	// Groups such as @system-service came later.
	"SystemCallFilter": regexp.MustCompile(`^~?[a-z0-9_ ]+$`),
}

// refusedBy219 lists the lines of a unit that systemd 219 would ignore.
func refusedBy219(t *testing.T, unit string) []string {
	t.Helper()
	table, err := os.ReadFile("testdata/systemd-219.txt")
	require.NoError(t, err)
	known := map[string][]string{}
	section := ""
	for line := range strings.Lines(string(table)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "[") {
			section = line
		} else {
			known[section] = append(known[section], strings.Fields(line)...)
		}
	}
	var refused []string
	for line := range strings.Lines(unit) {
		line = strings.TrimSpace(line)
		switch name, value, _ := strings.Cut(line, "="); {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "["):
			section = line
		case !slices.Contains(known[section], name):
			refused = append(refused, section+" "+line)
		case valuesOf219[name] != nil && !valuesOf219[name].MatchString(value):
			refused = append(refused, section+" "+line)
		}
	}
	return refused
}

func TestUnitsWorkOnSystemd219(t *testing.T) {
	for _, name := range units {
		assert.Empty(t, refusedBy219(t, userData.execute(name)), name)
	}
}

func TestRefusedBy219(t *testing.T) {
	for _, line := range []string{
		"[Service] StateDirectory=x", "[Service] LogsDirectory=x", "[Service] DynamicUser=yes", "[Service] ReadWritePaths=/x",
		"[Service] ProtectKernelTunables=yes", "[Service] RestrictNamespaces=yes", "[Service] MemoryMax=1G", "[Service] RuntimeMaxSec=1",
		"[Service] ProtectSystem=strict", "[Service] ProtectHome=tmpfs",
		"[Unit] StartLimitIntervalSec=0", "[Service] StartLimitIntervalSec=0", "[Unit] StartLimitInterval=0",
		"[Service] ExecStart=portfolio", "[Service] ExecStartPre=+/bin/true", "[Service] ExecStart=!/bin/true",
		"[Service] StandardOutput=append:/x", "[Service] StandardError=file:/x",
		"[Service] Type=exec", "[Service] SystemCallFilter=@system-service",
		"[Timer] RandomizedDelaySec=60", "[Install] Description=x", "[Unknown] Description=x",
	} {
		assert.Equal(t, []string{line}, refusedBy219(t, strings.Replace(line, " ", "\n", 1)))
	}
	assert.Empty(t, refusedBy219(t, "[Service]\nExecStart=-/x\nProtectSystem=full\n[Timer]\nOnCalendar=daily\n"))
}

// The service can bind port 80 and has no other right of root's, and is always
// restarted.
func TestServiceUnitIsUnprivilegedAndRestarts(t *testing.T) {
	unit := userData.execute("portfolio.service")
	for _, line := range []string{
		"User=portfolio", "AmbientCapabilities=CAP_NET_BIND_SERVICE", "CapabilityBoundingSet=CAP_NET_BIND_SERVICE", "NoNewPrivileges=yes",
		"Restart=always", "StartLimitInterval=0", "ExecStart=/opt/portfolio/bin/portfolio", "EnvironmentFile=/etc/portfolio/portfolio.env",
	} {
		assert.Regexp(t, `(?m)^`+regexp.QuoteMeta(line)+`$`, unit)
	}
}

// systemd-analyze checks the directives of its own release, at least that of Amazon
// Linux 2023.
func TestUnitsPassSystemdAnalyze(t *testing.T) {
	folder := t.TempDir()
	require.Empty(t, verifyUnits(t, folder, func(unit string) string { return unit }))
	// The check finds mistakes.
	assert.Contains(t, verifyUnits(t, folder,
		func(unit string) string { return strings.Replace(unit, "Restart=", "Restarts=", 1) }), "Restarts")
	assert.Contains(t, verifyUnits(t, folder,
		func(unit string) string { return strings.Replace(unit, "=hourly", "=hourish", 1) }), "hourish")
}

// verifyUnits returns systemd-analyze's output for the edited units, with the programs
// that they start in place below folder.
func verifyUnits(t *testing.T, folder string, edit func(string) string) string {
	t.Helper()
	arguments := []string{"verify"}
	start := regexp.MustCompile(`(?m)^ExecStart=(\S+)`)
	for _, name := range units {
		unit := edit(userData.execute(name))
		if program := start.FindStringSubmatch(unit); program != nil {
			path := filepath.Join(folder, program[1])
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
			require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700))
		}
		unit = start.ReplaceAllString(unit, "ExecStart="+folder+"$1")
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte(unit), 0o600))
		arguments = append(arguments, path)
	}
	output, err := exec.Command(tool(t, "systemd-analyze", "systemd"), arguments...).CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%s%v", output, err)
	}
	return string(output)
}
