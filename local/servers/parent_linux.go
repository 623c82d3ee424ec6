package servers

import (
	"os/exec"
	"syscall"
)

// EndWithParent makes the kernel send cmd a signal when this program ends, however that
// happens.
func EndWithParent(cmd *exec.Cmd, signal syscall.Signal) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = signal
}
