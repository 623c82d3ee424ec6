#!/bin/bash
# First boot of an instance: CloudWatch agent, then the service. Holds on Amazon
# Linux 2 and 2023, and may run again: every step ends in the same state.
#
# A step that fails ends the boot. The instance then never answers /health and
# its Auto Scaling group replaces it; until then it can be reached by Session
# Manager, and its output is in the log group once the agent runs.
set -Eeuo pipefail
trap 'echo "boot: failed in line $LINENO: $BASH_COMMAND" >&2' ERR

region='{{.Region}}'
artifact='s3://{{.ArtifactBucket}}/{{.ArtifactKey}}'
sha256='{{.ArtifactSHA256}}'
ca_bundle='https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem'

# retry COMMAND...: until it succeeds, for five and a half minutes and the time it
# takes itself: routes, policies and repositories can come later than the instance.
retry() {
  local delay
  for delay in 0 5 10 20 30 40 50 60 60 60; do
    sleep "$delay"
    if "$@"; then return; fi
    echo "boot: this try failed: $*" >&2
  done
  return 1
}

# put MODE GROUP FILE: makes FILE of standard input, never readable by more than MODE.
put() {
  install -m "$1" -o root -g "$2" /dev/stdin "$3"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

id -u portfolio >/dev/null 2>&1 || useradd --system --no-create-home --shell /sbin/nologin portfolio
install -d -m 0755 /opt/portfolio/bin /etc/portfolio
install -d -m 0750 -o portfolio -g portfolio /var/log/portfolio

retry yum install -y amazon-cloudwatch-agent logrotate
put 0644 root /etc/portfolio/cloudwatch-agent.json <<'EOF'
{{.AgentConfig}}
EOF
retry /opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl \
  -a fetch-config -m ec2 -s -c file:/etc/portfolio/cloudwatch-agent.json

# AWS CLI 1 knows these options too. Nothing is installed before the hash is right.
retry aws s3 cp --region "$region" --only-show-errors --cli-connect-timeout 5 "$artifact" "$work/portfolio"
echo "$sha256  $work/portfolio" | sha256sum -c -
retry curl --fail --silent --show-error --connect-timeout 5 --max-time 60 --output "$work/rds-ca.pem" "$ca_bundle"

install -m 0755 "$work/portfolio" /opt/portfolio/bin/portfolio
install -m 0644 "$work/rds-ca.pem" /etc/portfolio/rds-ca.pem
put 0640 portfolio /etc/portfolio/portfolio.env <<'EOF'
{{range .Environment}}{{.Name}}='{{.Value}}'
{{end}}EOF
put 0644 root /etc/portfolio/logrotate.conf <<'EOF'
{{template "logrotate.conf"}}EOF
put 0644 root /etc/systemd/system/portfolio.service <<'EOF'
{{template "portfolio.service"}}EOF
put 0644 root /etc/systemd/system/portfolio-logrotate.service <<'EOF'
{{template "portfolio-logrotate.service"}}EOF
put 0644 root /etc/systemd/system/portfolio-logrotate.timer <<'EOF'
{{template "portfolio-logrotate.timer"}}EOF

# Two steps each: systemd 219 has no "enable --now".
systemctl daemon-reload
systemctl enable portfolio.service portfolio-logrotate.timer
systemctl restart portfolio.service portfolio-logrotate.timer
retry curl --fail --silent --show-error --max-time 5 --output /dev/null http://127.0.0.1/health
echo "boot: done"
