//go:build unix

// Tests of a server that has no free file descriptor: it logs that, and serves waiting
// connections once others have ended.

package main

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// fileLimit names the environment variable with the number of files that the program may
// open, if it is not the limit of the test.
const fileLimit = "FRAMESCOPE_TEST_FILE_LIMIT"

func init() {
	n, err := strconv.ParseUint(os.Getenv(fileLimit), 10, 32)
	if err != nil {
		return
	}
	limit := syscall.Rlimit{Cur: n, Max: n}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		panic(err)
	}
}

// startWithFileLimit starts the program, which may then open at most limit files.
func startWithFileLimit(t *testing.T, limit string) *process {
	t.Helper()
	p := &process{stderr: &lockedBuffer{}, exited: make(chan struct{})}
	p.start(t, []string{"--addr", "127.0.0.1:0"}, func(cmd *exec.Cmd) {
		cmd.Stderr = p.stderr
		cmd.Env = append(cmd.Env, fileLimit+"="+limit)
	})
	return p
}

// awaitLog waits for a text on standard error.
func (p *process) awaitLog(t *testing.T, text string) {
	t.Helper()
	if !p.stderr.await(text) {
		t.Fatalf("%q is not logged but %q", text, p.stderr)
	}
}

const noFiles = "too many open files: a new connection waits"

func TestServerWithoutFreeFiles(t *testing.T) {
	t.Parallel()
	p := startWithFileLimit(t, "40")
	var open []net.Conn
	for range 40 {
		c := rawConn(t, p.url)
		if _, err := io.WriteString(c, strings.Replace(handshakeRequest, "%s", "/ws/echo", 1)); err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
	p.awaitLog(t, noFiles)
	// The first connections are served as before.
	first := open[0]
	head := make([]byte, len("HTTP/1.1 101"))
	if _, err := io.ReadFull(first, head); err != nil || string(head) != "HTTP/1.1 101" {
		t.Fatalf("%q, %v", head, err)
	}
	// A connection that waits is served when others end.
	last := open[len(open)-1]
	if err := last.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := last.Read(head); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the last is answered already: %v", err)
	}
	for _, c := range open[:len(open)-1] {
		c.Close()
	}
	if err := last.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(last, head); err != nil || string(head) != "HTTP/1.1 101" {
		t.Fatalf("%q, %v", head, err)
	}
}

// TestIdleConnectionsAreClosedForNewOnes checks that idle HTTP connections do not keep new
// connections out.
func TestIdleConnectionsAreClosedForNewOnes(t *testing.T) {
	t.Parallel()
	p := startWithFileLimit(t, "40")
	answer := make([]byte, 4096)
	for range 60 {
		c := rawConn(t, p.url)
		if _, err := io.WriteString(c, "HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(answer); err != nil || !bytes.HasPrefix(answer[:n], []byte("HTTP/1.1 200 ")) {
			t.Fatalf("%q, %v", answer[:n], err)
		}
	}
	rawSocket(t, p.url, "/ws/echo")
	p.awaitLog(t, noFiles)
}

// exhaustedListener fails to accept, for want of a file descriptor, until a point in time.
type exhaustedListener struct {
	net.Listener
	until time.Time
	tried int
}

func (e *exhaustedListener) Accept() (net.Conn, error) {
	e.tried++
	if time.Now().Before(e.until) {
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	c, _ := net.Pipe()
	return c, nil
}

func (e *exhaustedListener) Close() error { return nil }

func TestLackOfFilesIsLoggedOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		closings := 0
		e := &exhaustedListener{until: time.Now().Add(10*time.Second + time.Millisecond)}
		l := newPatientListener(e, slog.New(slog.NewTextHandler(&log, nil)), func() { closings++ })
		if _, err := l.Accept(); err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(log.String(), noFiles); lines != 11 || !strings.Contains(log.String(), "raise `ulimit -n`") {
			t.Errorf("%d lines in 10 s: %s", lines, log.String())
		}
		if e.tried > 300 || closings != e.tried-1 {
			t.Errorf("it tried %d times, and closed idle connections %d times", e.tried, closings)
		}
	})
}

func TestListenerEndsWhileItWaitsForFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPatientListener(&exhaustedListener{until: time.Now().Add(time.Hour)}, slog.New(slog.DiscardHandler), func() {})
		ended := make(chan error)
		go func() {
			_, err := l.Accept()
			ended <- err
		}()
		synctest.Wait()
		l.Close()
		l.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}

// TestPanicsAreLogged checks that a panic, which net/http recovers, is logged as an error.
func TestPanicsAreLogged(t *testing.T) {
	var log lockedBuffer
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &http.Server{
		Handler:  http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("at the disco") }),
		ErrorLog: httpLog(slog.New(slog.NewTextHandler(&log, nil))),
	}
	go h.Serve(l)
	defer h.Close()
	if _, err := http.Get("http://" + l.Addr().String()); err == nil {
		t.Fatal("it did not panic")
	}
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "level=ERROR") || !strings.Contains(got, "at the disco") {
		t.Errorf("%q", got)
	}
	httpLog(slog.New(slog.NewTextHandler(&log, nil))).Print("http: TLS handshake error")
	if got := log.String(); strings.Count(got, "\n") != 1 {
		t.Errorf("what peers do is logged: %q", got)
	}
}
