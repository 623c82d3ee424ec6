package servers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	embedded "github.com/fergusstrange/embedded-postgres"
	"github.com/gofrs/flock"
)

// PostgresVersion is what the cloud runs too.
const PostgresVersion = "15.14.0"

// CacheFolder keeps the unpacked binaries between runs and checkouts. Root's
// own cache cannot be entered by the account that its PostgreSQL runs as.
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

// FetchPostgres makes sure that the binaries are on this machine and returns
// their folder. The first call downloads 14 MB and verifies them; calls of
// other processes meanwhile wait for it.
func FetchPostgres(ctx context.Context) (string, error) {
	cache, err := CacheFolder()
	if err != nil {
		return "", err
	}
	target := filepath.Join(cache, "postgresql-"+PostgresVersion)
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
	// Only a complete folder ever gets the final name.
	return target, os.Rename(unpacked, target)
}

// fetch downloads into work/unpacked. The library has no call for that alone,
// so it is told to start a cluster that is not there: it downloads, verifies
// and unpacks, and then its pg_ctl refuses. What counts is what was unpacked.
func fetch(ctx context.Context, work string) error {
	nothing := filepath.Join(work, "nothing")
	if err := os.Mkdir(nothing, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(nothing, "PG_VERSION"), []byte("15\n"), 0o600); err != nil {
		return err
	}
	unpacked := filepath.Join(work, "unpacked")
	library := embedded.NewDatabase(embedded.DefaultConfig().
		Version(PostgresVersion).
		Port(0).
		CachePath(filepath.Join(work, "archive")).
		BinariesPath(unpacked).
		RuntimePath(filepath.Join(work, "runtime")).
		DataPath(nothing).
		Logger(nil))
	refused := make(chan error, 1)
	go func() { refused <- library.Start() }()
	var err error
	select {
	case err = <-refused:
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
// until nobody else holds the lock or ctx ends.
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

// account is whom PostgreSQL runs as: it refuses root, so root lends it nobody's
// identity. nil means the calling user's own.
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

// runFolder makes a folder that only the server's account may enter.
func runFolder(prefix string, as *syscall.Credential) (string, error) {
	parent := os.TempDir()
	if as != nil {
		parent = "/tmp" // TMPDIR may lie where only root can go
	}
	dir, err := os.MkdirTemp(parent, prefix)
	if err != nil {
		return "", err
	}
	return dir, give(dir, as)
}

// give hands path over to the server's account.
func give(path string, to *syscall.Credential) error {
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
	return give(path, as)
}
