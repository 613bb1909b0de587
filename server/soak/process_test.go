//go:build linux

// The server under attack: the real binary in its own process.

package soak

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program returns the path of the server's binary: the one given by flag, or one that it
// builds once, without the race detector.
var program = sync.OnceValues(func() (string, error) {
	if *soakBinary != "" {
		return *soakBinary, nil
	}
	name := filepath.Join(workDir, "framescope")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", name, "framescope/server")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the server: %w: %s", err, out)
	}
	return name, nil
})

// launch says how a server is started. The zero value starts it with default flags.
type launch struct {
	flags     []string // of serve
	files     int      // limit of open files; 0 for this process's own
	unreadLog bool     // standard error is a pipe that nobody reads
}

// server is a running server.
type server struct {
	addr      string // 127.0.0.1:PORT
	pid       int
	stderr    *logTail
	unreadLog *os.File      // the read end of its standard error, if nobody reads it
	exited    chan struct{} // closed after it has exited and the next two fields are set
	code      int           // exit code
	used      time.Duration // CPU time
	files     int           // open files at its start
}

var readyLine = regexp.MustCompile(`listening on http://(127\.0\.0\.1:\d+)/`)

// command makes the command that starts the server.
func (l launch) command() (*exec.Cmd, error) {
	name, err := program()
	if err != nil {
		return nil, err
	}
	args := append([]string{"serve", "--addr", "127.0.0.1:0"}, l.flags...)
	cmd := exec.Command(name, args...)
	if l.files > 0 {
		limited := fmt.Sprintf(`ulimit -n %d; exec "$0" "$@"`, l.files)
		cmd = exec.Command("sh", append([]string{"-c", limited, name}, args...)...)
	}
	cmd.Env = append(os.Environ(), "GOTRACEBACK=all")
	return cmd, nil
}

// start starts a server and waits for its ready line. The server is killed when the test
// ends, unless it has exited.
func start(t *testing.T, l launch) *server {
	t.Helper()
	cmd, err := l.command()
	if err != nil {
		t.Fatal(err)
	}
	s := &server{stderr: &logTail{}, exited: make(chan struct{})}
	cmd.Stderr = s.stderr
	if l.unreadLog {
		r, w, err := smallPipe()
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		t.Cleanup(func() { r.Close() })
		cmd.Stderr, s.unreadLog = w, r
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	go func() {
		_ = cmd.Wait() // the exit code says it
		s.code = cmd.ProcessState.ExitCode()
		s.used = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		close(s.exited)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-s.exited
	})
	match := readyLine.FindStringSubmatch(line)
	if match == nil {
		t.Fatalf("no ready line of serve %q but %q, %v; %s", l.flags, line, err, s.stderr.last(5))
	}
	s.addr, s.pid = match[1], cmd.Process.Pid
	s.files = s.openFiles()
	return s
}

func (s *server) url(scheme, path string) string { return scheme + "://" + s.addr + path }

// running reports whether the server has not exited.
func (s *server) running() bool {
	select {
	case <-s.exited:
		return false
	default:
		return true
	}
}

var errNoExit = errors.New("the process does not end")

// stop sends a signal and returns how long the server took to exit.
func (s *server) stop(signal syscall.Signal) (took time.Duration, err error) {
	begun := time.Now()
	if err := syscall.Kill(s.pid, signal); err != nil {
		return 0, err
	}
	select {
	case <-s.exited:
		return time.Since(begun), nil
	case <-time.After(patience):
		return patience, errNoExit
	}
}

// goroutines ends the server with SIGQUIT, at which Go prints all stacks, and returns
// those of goroutines that are not the runtime's own.
func (s *server) goroutines() ([]string, error) {
	s.stderr.keepAll()
	var reading sync.WaitGroup
	if s.unreadLog != nil {
		reading.Go(func() { io.Copy(s.stderr, s.unreadLog) })
	}
	if _, err := s.stop(syscall.SIGQUIT); err != nil {
		return nil, err
	}
	reading.Wait()
	stacks := ownStacks(s.stderr.last(1 << 20))
	if len(stacks) == 0 {
		return nil, errors.New("SIGQUIT printed no goroutines")
	}
	return stacks, nil
}

// smallPipe makes a pipe that is full after 4 KiB.
func smallPipe() (r, w *os.File, err error) {
	r, w, err = os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	const setPipeSize = 1031 // F_SETPIPE_SZ
	if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, w.Fd(), setPipeSize, 4096); errno != 0 {
		return nil, nil, errno
	}
	return r, w, nil
}

// ownStacks returns the stacks of a dump without those of the runtime's own goroutines.
func ownStacks(dump string) (own []string) {
	for stack := range strings.SplitSeq(dump, "\n\n") {
		at := strings.Index(stack, "goroutine ")
		if at < 0 || strings.HasPrefix(stack[at:], "goroutine 0 ") || strings.Contains(stack, "\ncreated by runtime.") || !strings.Contains(stack, "]:\n") {
			continue
		}
		own = append(own, stack[at:])
	}
	return own
}

// brief is a stack in one line: its first, and the functions that are not the runtime's.
func brief(stack string) string {
	first, rest, _ := strings.Cut(stack, "\n")
	parts := []string{first}
	for line := range strings.Lines(rest) {
		name, _, ok := strings.Cut(line, "(0x")
		if ok && !strings.HasPrefix(line, "\t") && !strings.HasPrefix(line, "runtime.") {
			parts = append(parts, name)
		}
	}
	return strings.Join(parts, " < ")
}

// logTail counts the lines that a server logs and keeps the last of them.
type logTail struct {
	mu    sync.Mutex
	part  []byte // of a line whose end has not come
	kept  []string
	count int
	all   bool // keep all lines
}

const keptLines = 200

func (l *logTail) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := bytes.Split(append(l.part, p...), []byte("\n"))
	for _, line := range lines[:len(lines)-1] {
		if bytes.HasPrefix(line, []byte("panic: ")) || bytes.HasPrefix(line, []byte("fatal error: ")) {
			l.kept, l.all = nil, true
		}
		l.kept = append(l.kept, string(line))
	}
	l.part = bytes.Clone(lines[len(lines)-1])
	l.count += len(lines) - 1
	if len(l.kept) > 2*keptLines && !l.all {
		l.kept = slices.Clone(l.kept[len(l.kept)-keptLines:])
	}
	return len(p), nil
}

// keepAll keeps all lines from now on.
func (l *logTail) keepAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = true
}

// crash returns what a server that crashed has printed of it, or else its last lines.
func (l *logTail) crash() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.kept[:min(len(l.kept), 40)], "\n")
}

// last returns at most n lines.
func (l *logTail) last(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.kept[max(0, len(l.kept)-n):], "\n")
}

// lines is how many lines were logged.
func (l *logTail) lines() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}
