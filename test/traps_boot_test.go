package test

import (
	"fmt"
	"regexp"
	"strings"
)

// bootTraps are rows E2–E24: what holds on Amazon Linux 2 and on 2023, read from
// the user data.
var bootTraps = []row{
	{"E2", all(none("data.aws_ami"), has("compute/image", `{"lifecycle.ignore_changes": ["input"]}`))},
	{"E3", bootLacks(`(?m)^(StateDirectory|LogsDirectory|CacheDirectory|ConfigurationDirectory|DynamicUser|ReadWritePaths|` +
		`ReadOnlyPaths|ProtectKernel\w+|ProtectControlGroups|RestrictNamespaces|RestrictRealtime|RestrictSUIDSGID|LockPersonality|` +
		`MemoryDenyWriteExecute|PrivateUsers|IPAddressDeny|MemoryMax|RuntimeMaxSec|StartLimitIntervalSec)=`)},
	{"E4", boot(`(?m)^ProtectSystem=full$`)},
	{"E5", all(boot(`(?m)^User=portfolio$`), boot(`(?m)^AmbientCapabilities=CAP_NET_BIND_SERVICE$`),
		boot(`(?m)^CapabilityBoundingSet=CAP_NET_BIND_SERVICE$`), boot(`(?m)^NoNewPrivileges=yes$`))},
	{"E6", noCommand(`setcap`)},
	{"E7", all(boot(`(?m)^AmbientCapabilities=`), noCommand(`setcap`))},
	{"E8", all(boot(`(?m)^LISTEN_ADDRESS=':80'$`), noCommand(`iptables|nft|ip_unprivileged_port_start`))},
	{"E9", all(boot(`(?m)^RestartSec=5$`), inSection("Service", "StartLimitInterval=0"))},
	{"E10", all(boot(`(?m)^ExecStart=/opt/portfolio/bin/portfolio$`), bootLacks(`(?m)^Exec\w+=[^/]`))},
	{"E11", all(bootLacks(`(?m)^Standard(Output|Error)=`), boot(`(?m)^LOG_FILE='/var/log/portfolio/portfolio.log'$`))},
	{"E12", bootLacks(`"journald"`)},
	{"E13", bootLacks(`/var/log/messages`)},
	{"E14", all(boot(`yum install -y amazon-cloudwatch-agent`), boot(`-a fetch-config -m ec2 -s -c file:`))},
	{"E15", all(boot(`install -d -m 0750 -o portfolio -g portfolio /var/log/portfolio`), boot(`(?m)^  copytruncate$`))},
	{"E16", everyCommand(`\baws [a-z]`, `--region "\$region"`)},
	{"E17", all(boot(`(?m)^set -Eeuo pipefail$`), everyCommand(`\b(aws|curl|yum)\s+[a-z-]`, `retry `), everyCommand(`\bcurl\b.*ca_bundle`, `--connect-timeout 5`))},
	{"E18", boot(`(?m)^repo_upgrade: none$`)},
	{"E19", all(boot(`(?m)^trap '.*' ERR$`), has(fleet, `{"health_check_type": "ELB"}`), boot(`"/var/log/cloud-init-output\.log"`))},
	{"E21", boot(`(?s)aws s3 cp --region.*\n(echo )?"\$sha256  \$work/portfolio" \| sha256sum -c -\n.*install -m 0755 "\$work/portfolio"`)},
	{"E22", noCommand(`(yum|dnf) install.*\b(curl|jq|cronie)\b|amazon-linux-extras|crontab`)},
	{"E23", noCommand(`(yum|dnf) (-y )?(update|upgrade)`)},
	{"E24", all(has("compute/session-manager", `{"policy_arn": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"}`),
		has("compute/out-https", `{"security_group_id": "${compute/security-group.id}", "cidr_ipv4": "0.0.0.0/0", "from_port": 443, "to_port": 443}`))},
}

func boot(pattern string) check { return matches(template, "user_data", pattern) }

// bootLacks holds when there is user data and the pattern matches nothing in it.
func bootLacks(pattern string) check {
	compiled := regexp.MustCompile(pattern)
	return func(m model) error {
		text := m.text(template, "user_data")
		if found := compiled.FindString(text); found != "" || text == "" {
			return fmt.Errorf("user data: has %q", found)
		}
		return nil
	}
}

// commands are the lines of user data that are no comments, with continued
// lines joined.
func commands(m model) []string {
	var lines []string
	for _, line := range strings.Split(strings.ReplaceAll(m.text(template, "user_data"), "\\\n", ""), "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

// noCommand holds when no line but comments matches.
func noCommand(pattern string) check {
	compiled := regexp.MustCompile(pattern)
	return func(m model) error {
		lines := commands(m)
		if len(lines) == 0 {
			return fmt.Errorf("no user data")
		}
		for _, line := range lines {
			if compiled.MatchString(line) {
				return fmt.Errorf("user data: %s", line)
			}
		}
		return nil
	}
}

// everyCommand holds when a line is like this one and each of those has that.
func everyCommand(like, that string) check {
	lines, wanted := regexp.MustCompile(like), regexp.MustCompile(that)
	return func(m model) error {
		found := false
		for _, line := range commands(m) {
			if lines.MatchString(line) {
				found = true
				if !wanted.MatchString(line) {
					return fmt.Errorf("user data: %q lacks %s", line, that)
				}
			}
		}
		if !found {
			return fmt.Errorf("user data: no line like %s", like)
		}
		return nil
	}
}

// inSection holds when the service's unit has a line in a section.
func inSection(section, line string) check {
	return func(m model) error {
		_, unit, found := strings.Cut(m.text(template, "user_data"), "portfolio.service <<'EOF'\n")
		unit, _, _ = strings.Cut(unit, "\nEOF\n")
		_, body, has := strings.Cut(unit, "["+section+"]\n")
		body, _, _ = strings.Cut(body, "\n[")
		if !found || !has || !strings.Contains("\n"+body+"\n", "\n"+line+"\n") {
			return fmt.Errorf("unit: [%s] lacks %s", section, line)
		}
		return nil
	}
}
