// The program as its users start it, `framescope serve`, for what only the whole of it shows.

package bench

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// program is the path of bin/framescope, "" when it is not measured.
var program string

const (
	// restTime is how long the program is left alone before its memory is read: it gives back
	// what a peak has left within two rounds of ten seconds.
	restTime = 25 * time.Second
	// startTime is how long its memory takes to settle after the start.
	startTime = time.Second
)

// startProgram starts the program, whose memory can be asked for and nothing else.
func startProgram(name string) (*child, error) {
	cmd := exec.Command(program, "serve", "--addr", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("-program: %w", err)
	}
	c := &child{name: name, cmd: cmd, close: func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		c.close()
		return nil, fmt.Errorf("%s serve does not say where it listens", program)
	}
	_, address, _ := strings.Cut(lines.Text(), "listening on ")
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		c.close()
		return nil, fmt.Errorf("%s serve says %q, not where it listens", program, lines.Text())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	c.addr = u.Host
	wait := startTime
	c.ask = func(question string) (int, error) {
		if question != "rss" {
			return 0, errors.New("the program tells only its memory")
		}
		time.Sleep(wait)
		wait = restTime
		return residentKiB(strconv.Itoa(cmd.Process.Pid)), nil
	}
	return c, nil
}
