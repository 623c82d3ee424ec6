package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// sampling is the interval at which memory is measured: short enough to see every
// child, long enough to leave the processor to them.
const sampling = 20 * time.Millisecond

// A measurement is the time and memory of one run.
type measurement struct {
	wall time.Duration
	peak int64 // bytes resident in all processes together
}

// measure runs a command. Its memory is the largest sample of the sum of the resident
// sets of the command and all its descendants; shared pages count in each.
func measure(cmd *exec.Cmd) (measurement, error) {
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return measurement{}, err
	}
	stop, peak := make(chan struct{}), make(chan int64)
	go func() { peak <- sample(cmd.Process.Pid, stop) }()
	err := cmd.Wait()
	wall := time.Since(start)
	close(stop)
	m := measurement{wall, <-peak}
	if err != nil {
		err = fmt.Errorf("%v: %w\n%s", cmd, err, output.String())
	}
	return m, err
}

func sample(pid int, stop <-chan struct{}) (peak int64) {
	ticker := time.NewTicker(sampling)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return peak
		case <-ticker.C:
			peak = max(peak, resident(pid))
		}
	}
}

// resident returns the resident size of a process and its descendants in bytes.
// A process that has ended counts as 0.
func resident(pid int) (total int64) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	if statm, err := os.ReadFile(filepath.Join(dir, "statm")); err == nil {
		if fields := strings.Fields(string(statm)); len(fields) > 1 {
			pages, _ := strconv.ParseInt(fields[1], 10, 64)
			total = pages * int64(os.Getpagesize())
		}
	}
	threads, _ := os.ReadDir(filepath.Join(dir, "task"))
	for _, thread := range threads {
		children, _ := os.ReadFile(filepath.Join(dir, "task", thread.Name(), "children"))
		for _, child := range strings.Fields(string(children)) {
			if id, err := strconv.Atoi(child); err == nil {
				total += resident(id)
			}
		}
	}
	return total
}
