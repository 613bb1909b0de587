// Tests of the log: an unread standard error delays nothing, and dropped lines are counted.

package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// gate is a writer that blocks until it is opened.
type gate struct {
	open    chan struct{}
	written bytes.Buffer
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	return g.written.Write(p)
}

func TestLogQueueWritesAllInOrder(t *testing.T) {
	var out bytes.Buffer
	q := newLogQueue(&out)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 1000 {
				fmt.Fprintf(q, "a line\n")
			}
		})
	}
	all.Wait()
	fmt.Fprintf(q, "the last\n")
	if !q.Close() {
		t.Fatal("it did not end")
	}
	if want := strings.Repeat("a line\n", 4000) + "the last\n"; out.String() != want {
		t.Errorf("%d bytes, want %d", out.Len(), len(want))
	}
	fmt.Fprintf(q, "too late\n")
	if !q.Close() || strings.Contains(out.String(), "too late") {
		t.Error("a line was written after Close")
	}
}

func TestLogQueueDropsAndCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		q := newLogQueue(g)
		line := strings.Repeat("x", 1023) + "\n"
		io.WriteString(q, line)
		synctest.Wait() // the first line is being written
		const lines = maxQueuedLog/1024 + 77
		for range lines {
			io.WriteString(q, line)
		}
		close(g.open)
		if !q.Close() {
			t.Fatal("it did not end")
		}
		written, last, _ := strings.Cut(g.written.String(), "time=")
		if len(written) != len(line)+maxQueuedLog || !strings.HasSuffix(last, "log lines were dropped\" lines=77\n") {
			t.Errorf("%d bytes, then %q", len(written), last)
		}
	})
}

func TestLogQueueGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		q := newLogQueue(g)
		io.WriteString(q, "line\n")
		begun := time.Now()
		if q.Close() || time.Since(begun) != flushTimeout {
			t.Errorf("after %v", time.Since(begun))
		}
		close(g.open)
		<-q.done
	})
}

// endSockets opens and closes WebSockets, for each of which the program logs a line.
func endSockets(t *testing.T, p *process, sockets int) {
	t.Helper()
	for range sockets {
		c := rawSocket(t, p.url, "/ws/echo")
		// The reason of the close frame consists of control characters, which make the
		// longest lines, since each is escaped.
		reason := strings.Repeat("\x1b", 123)
		if _, err := io.WriteString(c, "\x88\xfd\x00\x00\x00\x00\x03\xe8"+reason); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, 4)); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
}

func checkHealthAndStop(t *testing.T, p *process) {
	t.Helper()
	client := http.Client{Timeout: patience}
	r, err := client.Get(p.url + "healthz")
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	begun := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	// A handler that waited for the log would be aborted after this time.
	if code, took := p.wait(t), time.Since(begun); code != 0 || took >= defaults().drainTimeout {
		t.Errorf("exit %d after %v", code, took)
	}
}

// TestUnreadStandardError checks that nothing waits for the log's reader. Far more is logged
// than a pipe holds.
func TestUnreadStandardError(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := &process{exited: make(chan struct{})}
	p.start(t, []string{"--addr", "127.0.0.1:0"}, func(cmd *exec.Cmd) { cmd.Stderr = w })
	w.Close()
	endSockets(t, p, 500)
	checkHealthAndStop(t, p)
	// Text of a peer is escaped in the log, so that it cannot control a terminal.
	logged, err := io.ReadAll(r)
	if err != nil || len(logged) < 32<<10 || bytes.ContainsRune(logged, '\x1b') || !bytes.Contains(logged, []byte(`\x1b\x1b`)) {
		t.Errorf("%d bytes, %v: %.300q", len(logged), err, logged)
	}
}

// TestClosedStandardError checks that the server goes on when the log's reader has gone.
func TestClosedStandardError(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{exited: make(chan struct{})}
	p.start(t, []string{"--addr", "127.0.0.1:0"}, func(cmd *exec.Cmd) { cmd.Stderr = w })
	w.Close()
	r.Close()
	endSockets(t, p, 5)
	checkHealthAndStop(t, p)
}
