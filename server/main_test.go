// Helpers that run the program: as a process of its own, or in the process of the test.

package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// asProgram names the environment variable that makes this test binary behave as
// framescope.
const asProgram = "FRAMESCOPE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	code := m.Run()
	closeBrowser()
	os.Exit(code)
}

// patience bounds every wait in these tests. Nothing is expected to take so long.
const patience = 20 * time.Second

var readyLine = regexp.MustCompile(`listening on (https?://\S+/)`)

// awaitReady reads what a server prints up to its ready line, and returns the URL in that.
func awaitReady(r *bufio.Reader) (url, printed string, err error) {
	for {
		line, err := r.ReadString('\n')
		printed += line
		if match := readyLine.FindStringSubmatch(line); match != nil || err != nil {
			return strings.Join(match[min(1, len(match)):], ""), printed, err
		}
	}
}

// process is framescope running as a process of its own.
type process struct {
	cmd     *exec.Cmd
	url     string
	printed string // up to the ready line
	stderr  *lockedBuffer
	exited  chan struct{} // closed when it has exited; code is then its exit code
	code    int
}

func command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	// The race detector would wait a second when the process exits.
	cmd.Env = append(os.Environ(), asProgram+"=1", "GORACE=atexit_sleep_ms=0")
	return cmd
}

// startProcess starts `framescope serve` with args and waits for the ready line.
func startProcess(t testing.TB, args ...string) *process {
	t.Helper()
	p := &process{stderr: &lockedBuffer{}, exited: make(chan struct{})}
	p.start(t, args, func(cmd *exec.Cmd) { cmd.Stderr = p.stderr })
	return p
}

// start does what startProcess does, after change has changed the command.
func (p *process) start(t testing.TB, args []string, change func(*exec.Cmd)) {
	t.Helper()
	p.cmd = command(append([]string{"serve"}, args...)...)
	change(p.cmd)
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	url, printed, err := awaitReady(bufio.NewReader(stdout))
	go func() {
		_ = p.cmd.Wait() // the exit code tells whether it failed
		p.code = p.cmd.ProcessState.ExitCode()
		close(p.exited)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
	})
	if url == "" {
		t.Fatalf("no ready line but %q, %v; %s", printed, err, p.stderr)
	}
	p.url, p.printed = url, printed
}

// wait returns the exit code.
func (p *process) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-p.exited:
		return p.code
	case <-time.After(patience):
		t.Fatal("the process does not end")
		return 0
	}
}

// startServer runs the server in the process of the test until the test ends. Every
// goroutine of the server must have ended then.
func startServer(t *testing.T, change func(*config)) (url string) {
	t.Helper()
	url, stop := runServer(t, change)
	t.Cleanup(stop)
	return url
}

// runServer is startServer for callers that stop the server themselves. stop may be called
// more than once.
func runServer(t testing.TB, change func(*config)) (url string, stop func()) {
	t.Helper()
	c := defaults()
	c.addr = "127.0.0.1:0"
	if change != nil {
		change(c)
	}
	if err := c.check(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- serve(ctx, c, w, slog.New(slog.DiscardHandler))
		w.Close()
	}()
	url, printed, err := awaitReady(bufio.NewReader(r))
	if url == "" {
		cancel()
		t.Fatalf("no ready line but %q, %v", printed, err)
	}
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
		for _, stack := range remainingGoroutines() {
			t.Errorf("a goroutine has not ended:\n%s", stack)
		}
	})
	return url, stop
}

// remainingGoroutines returns the stacks of the server's goroutines that have not ended,
// after giving them time to. It ignores those of tests and of the browser's driver.
func remainingGoroutines() (stacks []string) {
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(10 * time.Millisecond) {
		all := make([]byte, 4<<20)
		all = all[:runtime.Stack(all, true)]
		stacks = stacks[:0]
		for stack := range strings.SplitSeq(string(all), "\n\n") {
			ours := strings.Contains(stack, module) || strings.Contains(stack, "net/http.(*conn)") || strings.Contains(stack, "net/http.(*Server)")
			if ours && !strings.Contains(stack, "testing.") && !strings.Contains(stack, "chromedp") && !strings.Contains(stack, "_test.go") {
				stacks = append(stacks, stack)
			}
		}
		if len(stacks) == 0 {
			return nil
		}
	}
	return stacks
}

// module is the prefix of the names of our packages.
const module = "framescope/"

// socketURL returns the ws:// URL of a path of the server at base.
func socketURL(base, path string) string {
	return "ws" + strings.TrimPrefix(base, "http") + strings.TrimPrefix(path, "/")
}

// dial opens a WebSocket with gorilla's client.
func dial(t testing.TB, base, path string, subprotocols ...string) *websocket.Conn {
	t.Helper()
	d := websocket.Dialer{Subprotocols: subprotocols, HandshakeTimeout: patience}
	c, response, err := d.Dial(socketURL(base, path), nil)
	if err != nil {
		t.Fatalf("dial %s: %v %v", path, err, response)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

// lockedBuffer is a buffer that a process writes to while the test reads it.
type lockedBuffer struct {
	mutex   sync.Mutex
	b       bytes.Buffer
	written chan struct{} // closed by the next write; nil if no goroutine waits for it
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.written != nil {
		close(l.written)
		l.written = nil
	}
	return l.b.Write(p)
}

// await waits until the buffer holds a text, and reports false if that takes too long.
func (l *lockedBuffer) await(text string) bool {
	tooLong := time.After(patience)
	for {
		found, written := l.holds(text)
		if found {
			return true
		}
		select {
		case <-written:
		case <-tooLong:
			return false
		}
	}
}

// holds reports whether the buffer holds a text now; the next write closes written.
func (l *lockedBuffer) holds(text string) (found bool, written <-chan struct{}) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.written == nil {
		l.written = make(chan struct{})
	}
	return strings.Contains(l.b.String(), text), l.written
}

func (l *lockedBuffer) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.b.String()
}
