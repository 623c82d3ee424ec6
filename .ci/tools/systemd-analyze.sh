#!/bin/sh
# Installs build/tools/systemd/bin/systemd-analyze, on a machine without it, from the
# distribution's packages, which it unpacks without root. Called from the top folder by make test.
set -eu

tools=build/tools/systemd
if command -v systemd-analyze >/dev/null || [ -x "$tools/bin/systemd-analyze" ]; then exit 0; fi
if ! command -v apt-get >/dev/null; then
  echo "systemd-analyze: got none, want it on PATH: make test checks the service's unit with it" >&2
  exit 2
fi

rm -rf "$tools"
mkdir -p "$tools/root" "$tools/bin" "$tools/apt/lists/partial" "$tools/apt/cache/archives/partial"
here=$(cd "$tools" && pwd)
# Separate lists, since only root can update the machine's.
cat >"$tools/apt/apt.conf" <<EOF
Dir::State::lists "$here/apt/lists";
Dir::Cache "$here/apt/cache";
EOF
export APT_CONFIG="$here/apt/apt.conf"
apt-get -qq update
libraries=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts \
  --no-breaks --no-replaces --no-enhances systemd | grep '^lib' | grep -v '^libc6$')
# Not quoted: one word for each package.
# shellcheck disable=SC2086
(cd "$tools/apt" && apt-get -qq download systemd $libraries)
for package in "$tools"/apt/*.deb; do dpkg-deb -x "$package" "$tools/root"; done
rm -rf "$tools/apt"

cat >"$tools/bin/systemd-analyze" <<'EOF'
#!/bin/sh
root=$(cd "$(dirname "$0")/../root" && pwd)
LD_LIBRARY_PATH=$(echo "$root"/usr/lib/*/systemd "$root"/usr/lib/*-linux-gnu* "$root"/lib/*-linux-gnu* | tr ' ' ':')
SYSTEMD_UNIT_PATH=$root/usr/lib/systemd/system:$root/lib/systemd/system:
export LD_LIBRARY_PATH SYSTEMD_UNIT_PATH
exec "$root/usr/bin/systemd-analyze" "$@"
EOF
chmod +x "$tools/bin/systemd-analyze"
"$tools/bin/systemd-analyze" --version | head -1
