package main

import (
	"os/exec"
	"syscall"
)

// dieWithParent lets the kernel end a process when this one is gone, however it went. It has a group of its own, so that a
// Ctrl-C reaches this process first, which still has pushes to send.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
