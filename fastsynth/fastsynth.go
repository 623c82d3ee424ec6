// Package fastsynth makes synthesis with CDKTF several times faster and lighter
// without changing a byte of what it writes.
//
// CDKTF runs in a Node process, the jsii kernel, which by default requires every
// module of a provider and parses the description of every type in it: for AWS
// that is 2,125 modules and 120 MB of JSON, of which an app uses a few percent.
// A hook preloaded into that process reads both on demand. The hook keeps a cache for
// each provider version, next to jsii's own package cache.
package fastsynth

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/aws/jsii-runtime-go"
	jsiiruntime "github.com/aws/jsii-runtime-go/runtime"
)

//go:embed hook
var hook embed.FS

// Enable makes the jsii runtime of this process load providers on demand. Call it
// before anything is created with jsii; a running runtime is closed. After jsii.Close
// the next runtime is a stock one, unless Enable is called again.
//
// Enable does not change the environment of this process. If the hook cannot be used,
// Enable prints one line on standard error, and synthesis runs without it.
// PORTFOLIO_SYNTH=stock turns it off.
func Enable() {
	if os.Getenv("PORTFOLIO_SYNTH") == "stock" {
		return
	}
	if err := enable(); err != nil {
		fmt.Fprintf(os.Stderr, "fastsynth: %v; synthesizing without it\n", err)
	}
}

func enable() error {
	if runtime.GOOS == "windows" {
		return errors.New("got Windows, want Linux or macOS")
	}
	if os.Getenv("JSII_RUNTIME") != "" {
		return errors.New("JSII_RUNTIME is set")
	}
	dir, cached, err := install()
	if err != nil {
		return err
	}
	cache := ""
	if cached {
		cache = dir
	}
	// Generated bindings create the runtime's client while packages initialize, with a
	// copy of the environment: replace it by one with the variables set here.
	jsii.Close()
	defer setenv("NODE_OPTIONS", nodeOptions(os.Getenv("NODE_OPTIONS"), filepath.Join(dir, "hook.js")))()
	defer setenv("PORTFOLIO_SYNTH_CACHE", cache)()
	if !cached { // jsii's own cache is next to it, and jsii ends if it cannot be written
		defer setenv("JSII_RUNTIME_PACKAGE_CACHE", "disabled")()
	}
	jsiiruntime.IsAnonymousProxy(nil) // creates the client
	return nil
}

// nodeOptions adds the hook to the user's options for Node. If the user has none, it uses
// jsii's default, which would not apply any more.
func nodeOptions(user, hook string) string {
	if user == "" {
		user = "--max-old-space-size=4069"
	}
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(hook)
	return fmt.Sprintf(`%s --preserve-symlinks --require "%s"`, user, quoted)
}

// setenv sets a variable and returns a function that restores it.
func setenv(name, value string) (restore func()) {
	old, had := os.LookupEnv(name)
	os.Setenv(name, value)
	return func() {
		if had {
			os.Setenv(name, old)
		} else {
			os.Unsetenv(name)
		}
	}
}

// install writes the hook to a folder of the cache that is named after the hook's
// content, so that versions do not conflict. If that fails, it writes to a temporary
// folder, which the hook removes, and cached is false.
func install() (dir string, cached bool, err error) {
	files, digest, err := hookFiles()
	if err != nil {
		return "", false, err
	}
	root, cacheErr := cacheRoot()
	if cacheErr == nil {
		dir = filepath.Join(root, digest)
		if cacheErr = write(dir, files); cacheErr == nil {
			return dir, true, nil
		}
	}
	fmt.Fprintf(os.Stderr, "fastsynth: %v; synthesizing without a cache\n", cacheErr)
	if dir, err = os.MkdirTemp("", "fastsynth-"); err != nil {
		return "", false, err
	}
	return dir, false, write(dir, files)
}

// cacheRoot returns the folder next to jsii's package cache, by jsii's rules.
func cacheRoot() (string, error) {
	if root := os.Getenv("JSII_RUNTIME_PACKAGE_CACHE_ROOT"); root != "" {
		root, err := filepath.Abs(root)
		return filepath.Join(filepath.Dir(root), "fastsynth"), err
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	// Node would take a relative path for the name of a package.
	if home, err = filepath.Abs(home); err != nil {
		return "", err
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Caches", "com.amazonaws.jsii", "fastsynth"), nil
	}
	return filepath.Join(home, ".cache", "aws", "jsii", "fastsynth"), nil
}

func hookFiles() (files map[string][]byte, digest string, err error) {
	files = map[string][]byte{}
	hash := sha256.New()
	err = fs.WalkDir(hook, "hook", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := hook.ReadFile(path)
		files[entry.Name()] = content
		fmt.Fprintf(hash, "%s %d ", path, len(content))
		hash.Write(content)
		return err
	})
	return files, hex.EncodeToString(hash.Sum(nil))[:16], err
}

// write writes the files to the folder and replaces those that differ. Other processes
// may do the same at the same time.
func write(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, content := range files {
		path := filepath.Join(dir, name)
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
			continue
		}
		if err := replace(path, content); err != nil {
			return err
		}
	}
	return nil
}

func replace(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path))
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // unless renamed
	_, err = file.Write(content)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
