package platform

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

// process is a process that Up started and left running. Its start time distinguishes
// it from a later process with the same number.
type process struct {
	Name    string `json:"name"`
	PID     int    `json:"pid"`
	Started string `json:"started"` // as startOf returns it
}

// record lists on disk what Up has started. It is written before Up continues, so that
// after a crash at any moment the next program knows what was left behind.
type record struct {
	path     string
	mu       sync.Mutex // servers start at the same time
	keepLogs bool       // whether a process that starts again appends to its log

	Ports     Ports     `json:"ports"`
	Processes []process `json:"processes"`
	Folders   []string  `json:"folders"` // of the servers, outside the checkout
	// Service is the environment of the instances; no secret is in it.
	Service map[string]string `json:"service,omitempty"`
	// SourceKeys says that the instances have keys of sources of prices besides.
	SourceKeys bool `json:"source_keys,omitempty"`
}

// readRecord reads what an earlier Up wrote. Without a file the record is empty.
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

// running returns the processes of the record that are alive.
func (r *record) running() []process {
	var alive []process
	for _, p := range r.Processes {
		if p.alive() {
			alive = append(alive, p)
		}
	}
	return alive
}

// own adds a folder that stop removes.
func (r *record) own(folder string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.Contains(r.Folders, folder) {
		return nil
	}
	r.Folders = append(r.Folders, folder)
	return r.write()
}

// launcher returns a function that starts a command in a session of its own, so that
// it outlives this program, and writes its output to a file in the folder logs.
func (r *record) launcher(logs string) func(name string, cmd *exec.Cmd) error {
	return func(name string, cmd *exec.Cmd) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		flags := os.O_CREATE | os.O_WRONLY | os.O_APPEND
		if !r.keepLogs {
			flags |= os.O_TRUNC
		}
		log, err := os.OpenFile(filepath.Join(logs, name+".log"), flags, 0o600)
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
			return fmt.Errorf("%s ended immediately, see %s", name, log.Name())
		}
		r.Processes = append(r.Processes, process{Name: name, PID: cmd.Process.Pid, Started: started})
		return r.write()
	}
}

// end ends the process of a name and removes it from the record.
func (r *record) end(name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.Processes {
		if p.Name != name {
			continue
		}
		if err := p.stop(); err != nil {
			return err
		}
	}
	r.Processes = slices.DeleteFunc(r.Processes, func(p process) bool { return p.Name == name })
	return r.write()
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
	r.Ports, r.Processes, r.Folders = Ports{}, nil, nil
	return errors.Join(errs...)
}

func (p process) alive() bool {
	started, err := startOf(p.PID)
	return err == nil && started == p.Started
}

// stop ends the process with a signal that it can handle, and kills it after ten
// seconds. What it started, such as the emulator's Lambda functions, is killed.
func (p process) stop() error {
	if !p.alive() {
		return nil
	}
	// It leads a process group, whose number is not reused while a process is in it.
	defer func() { _ = syscall.Kill(-p.PID, syscall.SIGKILL) }() // usually nothing is left
	// On SIGTERM PostgreSQL waits for its clients to disconnect, on SIGINT it does not.
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

// writeJSON replaces a file atomically. Only its owner may read it.
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
