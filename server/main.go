// Command framescope serves WebSockets and a page that shows every frame that
// crosses them, bit by bit.
//
// This package contains the flags, the wiring and the handling of signals. Everything
// else is in the packages below.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// version is the version that CHANGELOG.md describes.
const version = "0.1.0"

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1 // it could not start, or failed while it ran
	exitUsage  = 2 // the command line was not understood
)

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals // a second signal ends the process at once
		os.Exit(exitFailed)
	}()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run runs the program with these arguments until it ends or ctx is done, and returns
// the exit code. Tests call it, too.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return reportError(stderr, root.ExecuteContext(ctx))
}
