package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// used returns the processor time that a process has used so far.
func used(process *exec.Cmd) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", process.Process.Pid))
	if err != nil {
		return 0, err
	}
	// The name is followed by the state, ten numbers, and the user and system time in
	// hundredths of a second.
	var user, system int64
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if _, err := fmt.Sscan(strings.Join(fields[11:13], " "), &user, &system); err != nil {
		return 0, fmt.Errorf("processor time: %w", err)
	}
	return time.Duration(user+system) * 10 * time.Millisecond, nil
}

// peak returns the largest resident size of a process so far, in bytes.
func peak(process *exec.Cmd) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", process.Process.Pid))
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
