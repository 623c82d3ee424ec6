//go:build !linux

package servers

import "syscall"

// endWithParent does nothing where the kernel has no such service: a program that is
// killed leaves its servers running.
func endWithParent(*syscall.SysProcAttr) {}
