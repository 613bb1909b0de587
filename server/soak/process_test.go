//go:build linux

// The server under attack: the shipped binary, as a process of its own.

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

// program is where the server's binary is: the one that was named, or one that is built
// once, without the race detector.
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

// launch says how a server is started. The zero value starts it as shipped.
type launch struct {
	flags   []string // of serve
	files   int      // how many files it may open; 0 for as many as we may
	unheard bool     // nobody reads its standard error
}

// server is one that runs.
type server struct {
	addr    string // 127.0.0.1:PORT
	pid     int
	stderr  *logbook
	unheard *os.File      // what nobody reads of its standard error, or nil
	exited  chan struct{} // closed when it has; then code is its exit code
	code    int
	used    time.Duration // of the processor, when it has exited
	files   int           // open files at its start
}

var readyLine = regexp.MustCompile(`listening on http://(127\.0\.0\.1:\d+)/`)

// command is a server that is yet to be started.
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

// start runs a server until the test ends, and waits for its ready line.
func start(t *testing.T, l launch) *server {
	t.Helper()
	cmd, err := l.command()
	if err != nil {
		t.Fatal(err)
	}
	s := &server{stderr: &logbook{}, exited: make(chan struct{})}
	cmd.Stderr = s.stderr
	if l.unheard {
		r, w, err := smallPipe()
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		t.Cleanup(func() { r.Close() })
		cmd.Stderr, s.unheard = w, r
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

// running reports whether the server has not ended.
func (s *server) running() bool {
	select {
	case <-s.exited:
		return false
	default:
		return true
	}
}

var errRunsOn = errors.New("the process does not end")

// stop sends a signal and returns how long it took to end.
func (s *server) stop(signal syscall.Signal) (took time.Duration, err error) {
	begun := time.Now()
	if err := syscall.Kill(s.pid, signal); err != nil {
		return 0, err
	}
	select {
	case <-s.exited:
		return time.Since(begun), nil
	case <-time.After(patience):
		return patience, errRunsOn
	}
}

// goroutines ends the server by a signal that makes Go print all stacks, and
// returns those that are not the runtime's own.
func (s *server) goroutines() ([]string, error) {
	s.stderr.keepAll()
	var reading sync.WaitGroup
	if s.unheard != nil {
		reading.Go(func() { io.Copy(s.stderr, s.unheard) })
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

// smallPipe is one that is full after 4 KiB.
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

// ownStacks are the goroutines of a dump that the program itself has started.
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

// brief is a stack's first line and its functions, without the runtime's.
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

// logbook keeps the last lines that a server writes, and counts all.
type logbook struct {
	mu    sync.Mutex
	part  []byte // a line without its end
	kept  []string
	count int
	all   bool
}

const keptLines = 200

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := bytes.Split(append(l.part, p...), []byte("\n"))
	for _, line := range lines[:len(lines)-1] {
		l.kept = append(l.kept, string(line))
	}
	l.part = bytes.Clone(lines[len(lines)-1])
	l.count += len(lines) - 1
	if len(l.kept) > 2*keptLines && !l.all {
		l.kept = slices.Clone(l.kept[len(l.kept)-keptLines:])
	}
	return len(p), nil
}

// keepAll keeps whatever comes from now on.
func (l *logbook) keepAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = true
}

// last is at most n lines.
func (l *logbook) last(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.kept[max(0, len(l.kept)-n):], "\n")
}

// lines is how many were written.
func (l *logbook) lines() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}
