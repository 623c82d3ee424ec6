package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// used returns how long processors have worked for a process so far.
func used(of *exec.Cmd) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", of.Process.Pid))
	if err != nil {
		return 0, err
	}
	// After the name: the state, ten numbers, then the time in the program and in the
	// kernel, in hundredths of a second on Linux.
	var user, system int64
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if _, err := fmt.Sscan(strings.Join(fields[11:13], " "), &user, &system); err != nil {
		return 0, fmt.Errorf("processor time: %w", err)
	}
	return time.Duration(user+system) * 10 * time.Millisecond, nil
}

// peak returns the most memory that a process has had so far, in bytes.
func peak(of *exec.Cmd) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", of.Process.Pid))
	if err != nil {
		return 0, err
	}
	var kilobytes int64
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	if _, err := fmt.Sscanf(after, "%d kB", &kilobytes); err != nil {
		return 0, fmt.Errorf("peak memory: %w", err)
	}
	return kilobytes << 10, nil
}
