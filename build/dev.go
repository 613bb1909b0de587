// A development session: it builds the page without minifying, runs the server on the folder,
// watches the sources and rebuilds. The page reloads itself (reload.js); the server is
// restarted only if its own sources change.

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const pollInterval = 200 * time.Millisecond

// devSession is a development session: its folders, its server, and its output.
type devSession struct {
	paths
	addr           string
	stdout, stderr io.Writer
	server         *exec.Cmd
	ended          chan error // receives the error with which the running server ended
}

func (w *devSession) pages() string  { return filepath.Join(w.bin, "dev") }
func (w *devSession) binary() string { return filepath.Join(w.bin, "framescope-dev") }

// develop runs a development session until ctx is done, or until the server ends by itself,
// for instance because its port is in use.
func develop(ctx context.Context, p paths, addr string, stdout, stderr io.Writer) error {
	addr, err := fixedPort(addr)
	if err != nil {
		return err
	}
	w := &devSession{paths: p, addr: addr, stdout: stdout, stderr: stderr}
	dir := func(name string) string { return filepath.Join(p.root, name) }
	sets := []struct {
		sourceSet
		rebuild func(context.Context) error
	}{
		{sourceSet{dirs: []string{dir("protocol"), dir("wasm")}, wanted: goSource}, w.rebuildModule},
		{sourceSet{dirs: []string{dir("frontend")}, wanted: pageSource}, w.rebuildPage},
		{sourceSet{dirs: []string{dir("protocol"), dir("server")}, wanted: goSource}, w.rebuildServer},
	}
	for i := range sets {
		sets[i].changed()
	}
	w.run("build", func() error { return w.rebuildModule(ctx) })
	if err := w.rebuildServer(ctx); err != nil {
		return err
	}
	defer w.stop()

	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-w.ended:
			w.server = nil
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("build: the server ended: %v", err)
		case <-ticker.C:
		}
		for i := range sets {
			if sets[i].changed() {
				w.run("rebuild", func() error { return sets[i].rebuild(ctx) })
			}
		}
	}
}

// run runs a step and prints its duration or its error. After an error the page and the
// server stay as they were.
func (w *devSession) run(what string, step func() error) {
	begun := time.Now()
	if err := step(); err != nil {
		fmt.Fprintln(w.stderr, err)
		return
	}
	fmt.Fprintf(w.stderr, "%s: %v\n", what, time.Since(begun).Round(time.Millisecond))
}

func (w *devSession) rebuildModule(ctx context.Context) error {
	if err := compileWASM(ctx, w.paths); err != nil {
		return err
	}
	return w.rebuildPage(ctx)
}

func (w *devSession) rebuildPage(context.Context) error {
	files, err := makePage(w.paths, working)
	if err != nil {
		return err
	}
	return writeTree(w.pages(), files)
}

func (w *devSession) rebuildServer(ctx context.Context) error {
	if err := goBuild(ctx, w.paths, nil, "-o", w.binary(), "./server"); err != nil {
		return err
	}
	w.stop()
	server := exec.Command(w.binary(), "serve", "--addr", w.addr, "--pages", w.pages())
	server.Stdout, server.Stderr = w.stdout, w.stderr
	// The server gets its own process group, so that Ctrl-C reaches only this process, which
	// then stops the server.
	server.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := server.Start(); err != nil {
		return fmt.Errorf("build: starting the server: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	w.server, w.ended = server, ended
	return nil
}

// stop ends the server with SIGTERM and waits for it, since the next one needs its port.
func (w *devSession) stop() {
	if w.server == nil {
		return
	}
	_ = w.server.Process.Signal(syscall.SIGTERM)
	<-w.ended
	w.server = nil
}

// fixedPort replaces port 0 by a free one, since a restarted server must have the same port.
func fixedPort(addr string) (string, error) {
	if _, port, err := net.SplitHostPort(addr); err != nil || port != "0" {
		return addr, nil // if the address is wrong, the server reports it
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", fmt.Errorf("build: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}
