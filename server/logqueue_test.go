// Tests of the log: an unread standard error delays nothing, and what it lost is said.

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

// gate is a writer that takes nothing until it is opened.
type gate struct {
	open  chan struct{}
	taken bytes.Buffer
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	return g.taken.Write(p)
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
		t.Error("it is written after the end")
	}
}

func TestLogQueueDropsAndCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		q := newLogQueue(g)
		line := strings.Repeat("x", 1023) + "\n"
		io.WriteString(q, line)
		synctest.Wait() // the first is under way
		const lines = maxLogWaiting/1024 + 77
		for range lines {
			io.WriteString(q, line)
		}
		close(g.open)
		if !q.Close() {
			t.Fatal("it did not end")
		}
		written, last, _ := strings.Cut(g.taken.String(), "time=")
		if len(written) != len(line)+maxLogWaiting || !strings.HasSuffix(last, "log lines were dropped\" lines=77\n") {
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
		if q.Close() || time.Since(begun) != flushTime {
			t.Errorf("after %v", time.Since(begun))
		}
		close(g.open)
		<-q.done
	})
}

// logging has the program log, two lines and more for each WebSocket that ends.
func logging(t *testing.T, p *process, sockets int) {
	t.Helper()
	for range sockets {
		c := rawSocket(t, p.url, "/ws/echo")
		// A close frame with a reason of control characters: remote text is longest so.
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

func wellAndEnds(t *testing.T, p *process) {
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
	// Applications that wait for the log would be cut off after this time.
	if code, took := p.wait(t), time.Since(begun); code != 0 || took >= defaults().drainTimeout {
		t.Errorf("exit %d after %v", code, took)
	}
}

// TestUnreadStandardErrorDelaysNothing: far more is logged than a pipe holds.
func TestUnreadStandardErrorDelaysNothing(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := &process{exited: make(chan struct{})}
	p.start(t, []string{"--addr", "127.0.0.1:0"}, func(cmd *exec.Cmd) { cmd.Stderr = w })
	w.Close()
	logging(t, p, 500)
	wellAndEnds(t, p)
	// What a peer said stands in the log so that no terminal obeys it.
	said, err := io.ReadAll(r)
	if err != nil || len(said) < 32<<10 || bytes.ContainsRune(said, '\x1b') || !bytes.Contains(said, []byte(`\x1b\x1b`)) {
		t.Errorf("%d bytes, %v: %.300q", len(said), err, said)
	}
}

// TestClosedStandardErrorEndsNothing: the reader of the log has gone.
func TestClosedStandardErrorEndsNothing(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{exited: make(chan struct{})}
	p.start(t, []string{"--addr", "127.0.0.1:0"}, func(cmd *exec.Cmd) { cmd.Stderr = w })
	w.Close()
	r.Close()
	logging(t, p, 5)
	wellAndEnds(t, p)
}
