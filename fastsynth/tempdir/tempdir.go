// Package tempdir creates a temporary folder for a program that uses jsii, and removes it
// when the program ends, also after SIGINT or SIGTERM.
//
// jsii's bindings unpack their runtime into the temporary folder while packages
// initialize, before main could check the folder or handle signals, and panic if that
// fails. This package is initialized before them: of the packages whose imports are
// initialized, Go takes the first by import path, and this one has fewer imports than
// they have. Import it from main packages only.
package tempdir

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"sync/atomic"
	"syscall"
)

// need is the free space that the runtime takes, with a margin.
const need = 8 << 20

// Exit statuses of a program that cannot use its temporary folder.
const (
	exitFailed   = 1
	exitBadInput = 2
)

var (
	folder  string
	signals = make(chan os.Signal, 1)
	ending  atomic.Bool // a signal is ending the program
)

func init() {
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	parent := os.TempDir()
	if status, problem := check(parent, need); problem != "" {
		_, _ = os.Stderr.WriteString("TMPDIR: got " + parent + problem + "\n")
		os.Exit(status)
	}
	if err := os.Setenv("TMPDIR", folder); err != nil {
		_, _ = os.Stderr.WriteString("TMPDIR: " + err.Error() + "\n")
		os.Exit(exitFailed)
	}
}

// ExitOnSignal removes the folder and exits on SIGINT or SIGTERM, with 128 and the
// signal's number as the status.
func ExitOnSignal() {
	go func() {
		if s, ok := (<-signals).(syscall.Signal); ok {
			ending.Store(true)
			Remove()
			os.Exit(128 + int(s))
		}
	}()
}

// Context returns a context that ends on SIGINT or SIGTERM. It is for a program that has to
// finish work after a signal, and then calls Remove.
func Context() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-signals
		cancel()
	}()
	return ctx
}

// check creates the folder in parent, which must have this many bytes free. Otherwise
// it returns the exit status and what is wrong.
func check(parent string, bytes uint64) (status int, problem string) {
	absolute, err := filepath.Abs(parent)
	if err == nil {
		folder, err = os.MkdirTemp(absolute, "portfolio-")
	}
	switch {
	case errors.Is(err, syscall.ENOSPC) || err == nil && !hasSpace(absolute, bytes):
		Remove()
		return exitFailed, ", which is full, want 8 MB of free space"
	case err != nil && !exists(absolute):
		return exitBadInput, ", which does not exist, want a folder for temporary files"
	case err != nil:
		var cause *os.PathError
		if errors.As(err, &cause) {
			err = cause.Err
		}
		return exitBadInput, ", which cannot be written to (" + err.Error() + "), want a folder for temporary files"
	}
	return 0, ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// hasSpace reports whether the file system of a folder has this many bytes free. One
// that does not report its size is taken to have them.
func hasSpace(dir string, bytes uint64) bool {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil || s.Blocks == 0 {
		return true
	}
	return s.Bavail*uint64(s.Bsize) >= bytes && (s.Files == 0 || s.Ffree > 16)
}

// Remove removes the folder. If something still uses it, as after a signal, the new name
// keeps it from creating files there meanwhile.
func Remove() {
	if folder == "" {
		return
	}
	doomed := folder + ".removed"
	if os.Rename(folder, doomed) != nil {
		doomed = folder
	}
	_ = os.RemoveAll(doomed) // nothing can be done about what remains
}

// AwaitSignal blocks forever if a signal is ending the program. Call it before reporting
// a failure, since a failure may be caused by the removal of the folder.
func AwaitSignal() {
	if ending.Load() {
		select {}
	}
}
