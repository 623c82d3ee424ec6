package test

import (
	"fmt"
	"regexp"
	"strings"
)

// bootTraps check in the user data that a boot works on Amazon Linux 2 and 2023.
var bootTraps = []row{
	{"the image is not looked up among AMIs and stays once it is chosen", all(none("data.aws_ami"), has("compute/image", `{"lifecycle.ignore_changes": ["input"]}`))},
	{"the unit has only directives that systemd 219 knows", bootLacks(`(?m)^(StateDirectory|LogsDirectory|CacheDirectory|ConfigurationDirectory|DynamicUser|ReadWritePaths|` +
		`ReadOnlyPaths|ProtectKernel\w+|ProtectControlGroups|RestrictNamespaces|RestrictRealtime|RestrictSUIDSGID|LockPersonality|` +
		`MemoryDenyWriteExecute|PrivateUsers|IPAddressDeny|MemoryMax|RuntimeMaxSec|StartLimitIntervalSec)=`)},
	{"the unit's ProtectSystem has a value that systemd 219 knows", boot(`(?m)^ProtectSystem=full$`)},
	{"the service runs as a user whose only capability is to bind port 80", all(boot(`(?m)^User=portfolio$`), boot(`(?m)^AmbientCapabilities=CAP_NET_BIND_SERVICE$`),
		boot(`(?m)^CapabilityBoundingSet=CAP_NET_BIND_SERVICE$`), boot(`(?m)^NoNewPrivileges=yes$`))},
	{"no file has capabilities, which NoNewPrivileges would take away", noCommand(`setcap`)},
	{"the service binds port 80 itself", all(boot(`(?m)^LISTEN_ADDRESS=':80'$`), noCommand(`iptables|nft|ip_unprivileged_port_start`))},
	{"the service is restarted however often it fails", all(boot(`(?m)^RestartSec=5$`), inSection("Service", "StartLimitInterval=0"))},
	{"commands of the unit have absolute paths without a prefix", all(boot(`(?m)^ExecStart=/opt/portfolio/bin/portfolio$`), bootLacks(`(?m)^Exec\w+=[^/]`))},
	{"the service writes its own log file", all(bootLacks(`(?m)^Standard(Output|Error)=`), boot(`(?m)^LOG_FILE='/var/log/portfolio/portfolio.log'$`))},
	{"the agent reads no journal, which older agents refuse to start with", bootLacks(`"journald"`)},
	{"no log of rsyslog is read, which Amazon Linux 2023 lacks", bootLacks(`/var/log/messages`)},
	{"the agent is installed and its configuration fetched", all(boot(`yum install -y amazon-cloudwatch-agent`), boot(`-a fetch-config -m ec2 -s -c file:`))},
	{"the service owns the folder of its log, which is rotated in place", all(boot(`install -d -m 0750 -o portfolio -g portfolio /var/log/portfolio`), boot(`(?m)^  copytruncate$`))},
	{"every call of the AWS CLI names its region", everyCommand(`\baws [a-z]`, `--region "\$region"`)},
	{"the script ends at the first failure, and whatever needs the network is tried again", all(boot(`(?m)^set -Eeuo pipefail$`), everyCommand(`\b(aws|curl|yum)\s+[a-z-]`, `retry `), everyCommand(`\bcurl\b.*ca_bundle`, `--connect-timeout 5`))},
	{"no packages are updated at first boot", boot(`(?m)^repo_upgrade: none$`)},
	{"a boot that fails is logged, and its instance never becomes healthy", all(boot(`(?m)^trap '.*' ERR$`), has(fleet, `{"health_check_type": "ELB"}`), boot(`"/var/log/cloud-init-output\.log"`))},
	{"the binary is checked against its hash before it is installed", boot(`(?s)aws s3 cp --region.*\n(echo )?"\$sha256  \$work/portfolio" \| sha256sum -c -\n.*install -m 0755 "\$work/portfolio"`)},
	{"nothing is installed that conflicts with Amazon Linux 2023's own packages or is missing there", noCommand(`(yum|dnf) install.*\b(curl|jq|cronie)\b|amazon-linux-extras|crontab`)},
	{"the script does not update packages", noCommand(`(yum|dnf) (-y )?(update|upgrade)`)},
	{"Session Manager has its policy and a way out", all(has("compute/session-manager", `{"policy_arn": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"}`),
		has("compute/out-https", `{"security_group_id": "${compute/security-group.id}", "cidr_ipv4": "0.0.0.0/0", "from_port": 443, "to_port": 443}`))},
}

func boot(pattern string) check { return matches(template, "user_data", pattern) }

// bootLacks holds if there is user data and the pattern matches nothing in it.
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

// commands returns the lines of user data that are not comments, with continued lines
// joined.
func commands(m model) []string {
	var lines []string
	for _, line := range strings.Split(strings.ReplaceAll(m.text(template, "user_data"), "\\\n", ""), "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

// noCommand holds if no command matches.
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

// everyCommand holds if there are commands that match like and each matches that.
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

// inSection holds if a section of the service's unit has the line.
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
