//go:build !unix

// Reading a terminal in the background, on systems without job control.

package main

func ignoreTerminalStop() {}
