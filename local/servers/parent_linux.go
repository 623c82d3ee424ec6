package servers

import "syscall"

// endWithParent makes the kernel end the process when this program ends, however that
// happens. SIGQUIT makes PostgreSQL end its sessions and Valkey end.
func endWithParent(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGQUIT }
