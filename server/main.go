// Command framescope serves WebSockets and a page that shows every frame that
// crosses them, bit by bit.
//
// This package knows flags, wiring and signals, and how nothing works.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// version is what CHANGELOG.md calls this state of the sources.
const version = "0.1.0"

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1 // it could not start, or could not go on
	exitUsage  = 2 // the command line was not understood
)

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals // whoever asks twice does not want to wait
		os.Exit(exitFailed)
	}()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program, without its process: it ends when ctx is done, and returns
// the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return complain(stderr, root.ExecuteContext(ctx))
}
