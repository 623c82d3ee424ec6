package platform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is one that Up started and left running. The time it started tells it
// from a later process that got the same number.
type process struct {
	Name    string `json:"name"`
	PID     int    `json:"pid"`
	Started string `json:"started"` // boot and clock tick, as the kernel tells them
}

// record is what Up leaves on disk of what it started, written before it goes on,
// so that a crash at any moment leaves nothing unknown.
type record struct {
	path string
	mu   sync.Mutex // servers start at the same time

	Processes []process `json:"processes"`
	Folders   []string  `json:"folders"` // of the servers, outside the checkout
	// Service is the environment of the instances; no secret is in it.
	Service map[string]string `json:"service,omitempty"`
}

// readRecord reads what an earlier Up left; nothing is an empty record.
func readRecord(path string) (*record, error) {
	r := &record{path: path}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

func (r *record) write() error { return writeJSON(r.path, r) }

// running are the processes of the record that are still there.
func (r *record) running() []process {
	var alive []process
	for _, p := range r.Processes {
		if p.alive() {
			alive = append(alive, p)
		}
	}
	return alive
}

// own makes folder the record's, to be removed in the end.
func (r *record) own(folder string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.Contains(r.Folders, folder) {
		return nil
	}
	r.Folders = append(r.Folders, folder)
	return r.write()
}

// launcher starts commands that outlive this program: in sessions of their own,
// with their output in files below logs.
func (r *record) launcher(logs string) func(name string, cmd *exec.Cmd) error {
	return func(name string, cmd *exec.Cmd) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		log, err := os.OpenFile(filepath.Join(logs, name+".log"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return err
		}
		defer log.Close()
		cmd.Stdout, cmd.Stderr = log, log
		if cmd.SysProcAttr == nil {
			cmd.SysProcAttr = &syscall.SysProcAttr{}
		}
		cmd.SysProcAttr.Setsid = true
		if err := cmd.Start(); err != nil {
			return err
		}
		started, err := startOf(cmd.Process.Pid)
		if err != nil {
			return fmt.Errorf("%s ended at once, see %s", name, log.Name())
		}
		r.Processes = append(r.Processes, process{Name: name, PID: cmd.Process.Pid, Started: started})
		return r.write()
	}
}

// stop ends every process, last started first, and removes the folders and the
// record itself.
func (r *record) stop() error {
	var errs []error
	for i := len(r.Processes) - 1; i >= 0; i-- {
		errs = append(errs, r.Processes[i].stop())
	}
	for _, folder := range r.Folders {
		errs = append(errs, os.RemoveAll(folder))
	}
	if err := os.Remove(r.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		errs = append(errs, err)
	}
	r.Processes, r.Folders = nil, nil
	return errors.Join(errs...)
}

func (p process) alive() bool {
	started, err := startOf(p.PID)
	return err == nil && started == p.Started
}

// stop asks the process to end and insists after ten seconds. What it started
// itself, such as the emulator's Lambda functions, ends with it.
func (p process) stop() error {
	if !p.alive() {
		return nil
	}
	// It leads a process group of its own, whose number stays taken while anyone
	// of it is left.
	defer func() { _ = syscall.Kill(-p.PID, syscall.SIGKILL) }() // most often nobody is
	// PostgreSQL takes SIGTERM for "when everybody has left", SIGINT for "now".
	signals := []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL}
	if p.Name == "postgres" {
		signals[0] = syscall.SIGINT
	}
	for _, s := range signals {
		if !p.alive() {
			return nil
		}
		if err := syscall.Kill(p.PID, s); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop %s (pid %d): %w", p.Name, p.PID, err)
		}
		for deadline := time.Now().Add(10 * time.Second); p.alive() && time.Now().Before(deadline); {
			time.Sleep(20 * time.Millisecond)
		}
	}
	if p.alive() {
		return fmt.Errorf("%s (pid %d) does not end", p.Name, p.PID)
	}
	return nil
}

// startOf tells when a process started: the boot and the clock tick since. An
// error means that there is no such process, or only its remains.
func startOf(pid int) (string, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", err
	}
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return "", err
	}
	// The second field is the name in parentheses and may hold anything; the third
	// is the state and the twenty-second the start (proc_pid_stat(5)).
	_, rest, _ := bytes.Cut(stat[bytes.LastIndexByte(stat, ')'):], []byte(" "))
	fields := strings.Fields(string(rest))
	if len(fields) < 20 || fields[0] == "Z" {
		return "", fmt.Errorf("process %d has ended", pid)
	}
	return strings.TrimSpace(string(boot)) + "/" + fields[19], nil
}

// writeJSON replaces a file in one step; only its owner may read it.
func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	next := path + ".next"
	if err := os.WriteFile(next, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}
