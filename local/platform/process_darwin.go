package platform

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// zombie is the state of a process that has ended and is not reaped yet (SZOMB in
// sys/proc.h).
const zombie = 5

// startOf returns when a process started, to the microsecond. It fails if there is no
// such process, or if it has ended and is not reaped yet.
func startOf(pid int) (string, error) {
	info, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return "", err
	}
	if info.Proc.P_stat == zombie {
		return "", fmt.Errorf("process %d has ended", pid)
	}
	return fmt.Sprintf("%d.%06d", info.Proc.P_starttime.Sec, info.Proc.P_starttime.Usec), nil
}
