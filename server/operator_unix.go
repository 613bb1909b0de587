//go:build unix

// Reading a terminal in the background, on systems that have job control.

package main

import (
	"os/signal"
	"syscall"
)

// ignoreTerminalStop has a read of the terminal fail, instead of stopping the whole process,
// while the server runs in the background of a shell.
func ignoreTerminalStop() { signal.Ignore(syscall.SIGTTIN) }
