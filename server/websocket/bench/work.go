// The work: echo, fan-out, handshakes, and connections that do nothing.

package main

import (
	"bytes"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"framescope/protocol"
)

// echo keeps a number of messages under way on each connection.
type echo struct {
	load       *load
	size       int // of a frame, where all are the same
	flight     int
	frames     int
	first      []byte
	compressed bool
	begun      bool
}

func newEcho(addr, path, fields string, conns, flight int, frames [][]byte, first []byte, compressed bool) (work, error) {
	l, err := newLoad()
	if err != nil {
		return nil, err
	}
	out := bytes.Join(frames, nil)
	size := len(out) / len(frames)
	if len(frames) == 1 {
		out = bytes.Repeat(out, flight) // so that all under way leave in one write
	}
	for range conns {
		if _, err := l.add(addr, path, fields, out); err != nil {
			l.close()
			return nil, err
		}
	}
	return &echo{load: l, size: size, flight: flight, first: first, compressed: compressed, frames: len(frames)}, nil
}

func (e *echo) measure(length time.Duration) (done int, err error) {
	if !e.begun {
		e.begun = true
		for _, c := range e.load.clients {
			if err := e.load.allow(c, e.bytes(c, 0, e.flight)); err != nil {
				return 0, err
			}
		}
	}
	err = e.load.run(time.Now().Add(length), func(c *client, n int) error {
		done += n
		return e.load.allow(c, e.bytes(c, c.answers-n+e.flight, n))
	})
	for _, c := range e.load.clients {
		if err == nil {
			err = e.check(c)
		}
	}
	return done, err
}

// bytes is how long n frames are, of which the first is number from.
func (e *echo) bytes(c *client, from, n int) (size int) {
	if e.frames == 1 {
		return n * e.size
	}
	at := 0
	for i := 0; i < (from%e.frames)+n; i++ {
		h, m := protocol.ParseHeader(c.out[at:])
		whole := m + int(h.PayloadLength)
		if i >= from%e.frames {
			size += whole
		}
		if at += whole; at == len(c.out) {
			at = 0
		}
	}
	return size
}

func (e *echo) check(c *client) error {
	want, got := e.first, c.first
	if c.answers == 0 {
		return nil
	}
	if h, n := protocol.ParseHeader(c.out); h.Masked && bytes.Equal(got, c.out[n:n+int(h.PayloadLength)]) {
		return nil // the raw server's
	}
	if e.compressed && c.rsv1 {
		var err error
		if got, err = inflated(got); err != nil {
			return err
		}
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("the first answer is %d bytes %.40q, not the %d that were sent", len(got), got, len(want))
	}
	return nil
}

func (e *echo) end() error { e.load.close(); return nil }

// fan is one who speaks and a thousand who listen.
type fan struct {
	load    *load
	speaker *client
	size    int
	flight  int
	sent    int
	heard   int
}

const listeners = 1000

func newFan(addr string, size, flight int) (work, error) {
	l, err := newLoad()
	if err != nil {
		return nil, err
	}
	out := frame(protocol.OpBinary, 0, binary(size))
	f := &fan{load: l, size: len(out), flight: flight}
	for range listeners + 1 {
		if f.speaker, err = l.add(addr, "/fan", "", out); err != nil {
			l.close()
			return nil, err
		}
	}
	time.Sleep(100 * time.Millisecond) // until the server has counted all
	return f, nil
}

func (f *fan) measure(length time.Duration) (done int, err error) {
	speak := func() error {
		for f.sent*(listeners+1)-f.heard <= (f.flight-1)*(listeners+1) {
			f.sent++
			if err := f.load.allow(f.speaker, f.size); err != nil {
				return err
			}
		}
		return nil
	}
	if err := speak(); err != nil {
		return 0, err
	}
	err = f.load.run(time.Now().Add(length), func(_ *client, n int) error {
		done += n
		f.heard += n
		return speak()
	})
	if err == nil && done == 0 {
		err = fmt.Errorf("nobody heard anything")
	}
	return done, err
}

func (f *fan) end() error { f.load.close(); return nil }

// handshakes connect, upgrade and go.
type handshakes struct{ addr string }

func newHandshakes(addr string) (work, error) { return &handshakes{addr}, nil }

func (h *handshakes) measure(length time.Duration) (done int, err error) {
	for until := time.Now().Add(length); time.Now().Before(until); done++ {
		fd, _, err := shake(h.addr, "/echo", "")
		if err != nil {
			return done, err
		}
		reset(fd)
	}
	return done, nil
}

func (h *handshakes) end() error { return nil }

const idlers = 10_000

// measureIdle is the memory of connections that have said one thing, in KiB each.
func measureIdle(s *child) (float64, error) {
	before, err := s.ask("rss")
	if err != nil {
		return 0, err
	}
	l, err := newLoad()
	if err != nil {
		return 0, err
	}
	defer l.close()
	out := frame(protocol.OpBinary, 0, binary(125))
	heard := 0
	hear := func(_ *client, n int) error { heard += n; return nil }
	for i := range idlers {
		c, err := l.add(s.addr, "/echo", "", out)
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
	for limit := time.Now().Add(20 * time.Second); heard < idlers && time.Now().Before(limit); {
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
