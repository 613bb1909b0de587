// A server as a process of its own: pinned to a core, asked by lines on its
// standard input for what it has used.

package bench

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	serverCore = 0
	loadCore   = 1
)

const pinnedMark = "BENCH_PINNED"

// pin starts this program anew on one core, all of its threads.
func pin(core int) error {
	if os.Getenv(pinnedMark) != "" || runtime.NumCPU() < 2 {
		return nil
	}
	runtime.LockOSThread()
	var set unix.CPUSet
	set.Set(core)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("pin to core %d: %w", core, err)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return syscall.Exec(self, os.Args, append(os.Environ(), pinnedMark+"=1"))
}

// serveProcess is the child: it serves on a free port of loopback and answers
// questions until its standard input ends.
func serveProcess(name string) error {
	if err := pin(serverCore); err != nil {
		return err
	}
	signal.Ignore(os.Interrupt) // the terminal sends it to all; ours ends with its input
	runtime.GOMAXPROCS(1)
	serve, ok := servers[name]
	if !ok {
		return fmt.Errorf("no server is called %q", name)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() { exit(serve(l)) }()
	fmt.Println(l.Addr())
	questions := bufio.NewScanner(os.Stdin)
	for questions.Scan() {
		switch questions.Text() {
		case "cpu":
			var u syscall.Rusage
			if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
				return err
			}
			fmt.Println(time.Duration(u.Utime.Nano() + u.Stime.Nano()).Microseconds())
		case "rss":
			debug.FreeOSMemory()
			fmt.Println(residentKiB("self"))
		}
	}
	return nil
}

// residentKiB is how much memory a process has; it is named by its id or "self".
func residentKiB(process string) int {
	status, _ := os.ReadFile("/proc/" + process + "/status")
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(fields[0])
	return n
}

// child is a server that runs.
type child struct {
	name  string
	addr  string
	cmd   *exec.Cmd
	ask   func(question string) (int, error)
	close func()
}

func start(name string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "serve", name)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, pinnedMark) {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		return nil, fmt.Errorf("%s did not start: %w", name, cmd.Wait())
	}
	c := &child{name: name, addr: lines.Text(), cmd: cmd}
	c.ask = func(question string) (int, error) {
		if _, err := fmt.Fprintln(in, question); err != nil {
			return 0, err
		}
		if !lines.Scan() {
			return 0, fmt.Errorf("%s gave no answer", name)
		}
		return strconv.Atoi(lines.Text())
	}
	c.close = func() {
		in.Close()
		_ = cmd.Wait()
	}
	return c, nil
}
