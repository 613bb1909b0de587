// Connections as such: handshakes a second, and the memory of those that idle.

package bench

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"framescope/protocol"
)

// handshakes connect, upgrade and go, one at a time.
type handshakes struct {
	*load
	addr string
}

func newHandshakes(s *child) (work, error) {
	l, err := newLoad(s)
	return &handshakes{l, s.addr}, err
}

func (h *handshakes) measure(length time.Duration) (done int, err error) {
	for until := time.Now().Add(length); time.Now().Before(until); done++ {
		fd, _, err := openHandshake(h.addr, "/echo", "")
		if err != nil {
			return done, err
		}
		reset(fd)
		if done%32 == 0 { // for the page, if there is one
			if err := h.turn(0, nil); err != nil {
				return done, err
			}
		}
	}
	return done, nil
}

func (h *handshakes) end() { h.close() }

const idlers = 10_000

// measureIdle is the memory of connections that have said one thing, in KiB each.
func measureIdle(ctx context.Context, s *child, path string) (float64, error) {
	before, err := s.ask("rss")
	if err != nil {
		return 0, err
	}
	l, err := newLoad(s)
	if err != nil {
		return 0, err
	}
	defer l.close()
	out := frame(protocol.OpBinary, 0, binaryBytes(125))
	heard := 0
	hear := func(_ *client, n int) error { heard += n; return nil }
	for i := 0; i < idlers && ctx.Err() == nil; i++ {
		c, err := l.add(s.addr, path, "", out)
		if err != nil {
			return 0, fmt.Errorf("connection %d: %w", i, err)
		}
		if err := l.allow(c, len(out)); err != nil {
			return 0, err
		}
		if i%100 == 0 {
			if err := l.run(time.Now().Add(time.Millisecond), hear); err != nil {
				return 0, err
			}
		}
	}
	for limit := time.Now().Add(20 * time.Second); heard < idlers && ctx.Err() == nil && time.Now().Before(limit); {
		if err := l.run(time.Now().Add(10*time.Millisecond), hear); err != nil {
			return 0, err
		}
	}
	if heard != idlers {
		return 0, fmt.Errorf("%d of %d connections were answered", heard, idlers)
	}
	after, err := s.ask("rss")
	return float64(after-before) / idlers, err
}

// openFiles raises the limit to what the system allows.
func openFiles() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	limit.Cur = limit.Max
	return unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
}
