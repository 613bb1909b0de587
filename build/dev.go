// Working on Framescope: build readable, run the server on the folder, watch, rebuild. The page
// reloads itself (reload.js); only a change of the server's own sources restarts it.

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

const lookEvery = 200 * time.Millisecond

// workshop is a development session: its folders, its server, and where it speaks.
type workshop struct {
	paths
	addr           string
	stdout, stderr io.Writer
	server         *exec.Cmd
	ended          chan error // the running server's end
}

func (w *workshop) pages() string  { return filepath.Join(w.bin, "dev") }
func (w *workshop) binary() string { return filepath.Join(w.bin, "framescope-dev") }

// develop returns when ctx is done, or when the server ends by itself: a busy port, say.
func develop(ctx context.Context, p paths, addr string, stdout, stderr io.Writer) error {
	addr, err := fixedPort(addr)
	if err != nil {
		return err
	}
	w := &workshop{paths: p, addr: addr, stdout: stdout, stderr: stderr}
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
	w.try("build", func() error { return w.rebuildModule(ctx) })
	if err := w.rebuildServer(ctx); err != nil {
		return err
	}
	defer w.stop()

	ticker := time.NewTicker(lookEvery)
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
				w.try("rebuild", func() error { return sets[i].rebuild(ctx) })
			}
		}
	}
}

// try says how a step went; after a failure the page and the server stay as they were.
func (w *workshop) try(what string, step func() error) {
	begun := time.Now()
	if err := step(); err != nil {
		fmt.Fprintln(w.stderr, err)
		return
	}
	fmt.Fprintf(w.stderr, "%s: %v\n", what, time.Since(begun).Round(time.Millisecond))
}

func (w *workshop) rebuildModule(ctx context.Context) error {
	if err := compileWASM(ctx, w.paths); err != nil {
		return err
	}
	return w.rebuildPage(ctx)
}

func (w *workshop) rebuildPage(context.Context) error {
	files, err := makePage(w.paths, working)
	if err != nil {
		return err
	}
	return writeTree(w.pages(), files)
}

func (w *workshop) rebuildServer(ctx context.Context) error {
	if err := goBuild(ctx, w.paths, nil, "-o", w.binary(), "./server"); err != nil {
		return err
	}
	w.stop()
	server := exec.Command(w.binary(), "serve", "--addr", w.addr, "--pages", w.pages())
	server.Stdout, server.Stderr = w.stdout, w.stderr
	// In a group of its own: Ctrl-C reaches only the watcher, which then stops the server once.
	server.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := server.Start(); err != nil {
		return fmt.Errorf("build: starting the server: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	w.server, w.ended = server, ended
	return nil
}

// stop ends the server as a user would, and waits: the next one needs its port.
func (w *workshop) stop() {
	if w.server == nil {
		return
	}
	_ = w.server.Process.Signal(syscall.SIGTERM)
	<-w.ended
	w.server = nil
}

// fixedPort replaces port 0 by a free one: a restarted server must be where the page looks for it.
func fixedPort(addr string) (string, error) {
	if _, port, err := net.SplitHostPort(addr); err != nil || port != "0" {
		return addr, nil // the server says what is wrong with it
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", fmt.Errorf("build: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}
