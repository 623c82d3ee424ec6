//go:build !linux

package servers

import (
	"os/exec"
	"syscall"
)

// EndWithParent does nothing where the kernel offers no such service: a program that is
// killed leaves behind what it started.
func EndWithParent(*exec.Cmd, syscall.Signal) {}
