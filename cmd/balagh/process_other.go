//go:build !linux

package main

import "os/exec"

// dieWithParent has no counterpart here: the process ends when this one ends it.
func dieWithParent(*exec.Cmd) {}
