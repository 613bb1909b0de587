// The load: one thread and one epoll, so that it costs far less than any server,
// and the same for each.

package main

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"framescope/protocol"
)

// client is one connection of the load.
type client struct {
	fd      int
	out     []byte // what is sent over and over
	at      int    // in out
	owed    int    // bytes of it that may be sent
	header  []byte // the start of an answer's header
	left    uint64 // of an answer's payload still to come
	fin     bool   // that it ends a message
	control bool   // that it is no message
	blocked bool   // waits until the socket takes more
	first   []byte // payload of the first answer
	rsv1    bool   // of its first frame
	answers int
}

// load is many clients.
type load struct {
	epoll   int
	clients map[int]*client
	buf     []byte
	events  []unix.EpollEvent
	got     []answers
}

// answers are how many messages a client got.
type answers struct {
	client *client
	n      int
}

func newLoad() (*load, error) {
	ep, err := unix.EpollCreate1(0)
	if err != nil {
		return nil, err
	}
	return &load{epoll: ep, clients: map[int]*client{}, buf: make([]byte, 1<<20), events: make([]unix.EpollEvent, 256)}, nil
}

func (l *load) close() {
	for fd := range l.clients {
		reset(fd)
	}
	unix.Close(l.epoll)
}

// reset closes without leaving the port in use.
func reset(fd int) {
	_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	unix.Close(fd)
}

const request = "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n"

// sources are how many addresses of loopback connections come from: each has ports
// of its own, and those of connections just closed are not free at once.
const sources = 8

// connect comes from the first source that has a port left.
func connect(to *unix.SockaddrInet4) (fd int, err error) {
	for source := range sources {
		if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return 0, err
		}
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 10})
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
		if err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, byte(1 + source)}}); err == nil {
			err = unix.Connect(fd, to)
		}
		if err == nil {
			return fd, nil
		}
		unix.Close(fd)
		if !errors.Is(err, unix.EADDRNOTAVAIL) {
			break
		}
	}
	return 0, err
}

// shake connects and does the opening handshake.
func shake(addr, path, fields string) (fd int, answer string, err error) {
	to, err := net.ResolveTCPAddr("tcp4", addr)
	if err != nil {
		return 0, "", err
	}
	if fd, err = connect(&unix.SockaddrInet4{Port: to.Port, Addr: [4]byte(to.IP.To4())}); err != nil {
		return 0, "", err
	}
	_, err = unix.Write(fd, fmt.Appendf(nil, request, path, addr, fields))
	var head [4096]byte
	for n := 0; err == nil && !strings.HasSuffix(answer, "\r\n\r\n"); answer += string(head[:n]) {
		if n, err = unix.Read(fd, head[:]); n == 0 && err == nil {
			err = errors.New("closed in the handshake")
		}
	}
	if err == nil && !strings.HasPrefix(answer, "HTTP/1.1 101 ") {
		err = fmt.Errorf("the handshake was answered with %q", answer)
	}
	if err != nil {
		reset(fd)
	}
	return fd, answer, err
}

// add connects a client that is to send out over and over.
func (l *load) add(addr, path, fields string, out []byte) (*client, error) {
	fd, _, err := shake(addr, path, fields)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	c := &client{fd: fd, out: out}
	l.clients[fd] = c
	return c, unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

// allow lets a client send n bytes more.
func (l *load) allow(c *client, n int) error {
	c.owed += n
	for c.owed > 0 {
		n, err := rawWrite(c.fd, c.out[c.at:min(len(c.out), c.at+c.owed)])
		if errors.Is(err, unix.EAGAIN) {
			return l.watch(c, true)
		}
		if err != nil {
			return err
		}
		c.owed -= n
		if c.at += n; c.at == len(c.out) {
			c.at = 0
		}
	}
	return l.watch(c, false)
}

func (l *load) watch(c *client, blocked bool) error {
	if blocked == c.blocked {
		return nil
	}
	c.blocked = blocked
	e := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(c.fd)}
	if blocked {
		e.Events |= unix.EPOLLOUT
	}
	return unix.EpollCtl(l.epoll, unix.EPOLL_CTL_MOD, c.fd, &e)
}

// run waits for answers until the deadline and tells of those that a client got:
// of all that are there first, so that what is sent on finds the server at work, and
// waking it is not what is measured.
func (l *load) run(until time.Time, answered func(c *client, n int) error) error {
	for time.Now().Before(until) {
		n, err := rawWait(l.epoll, l.events, 5)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		l.got = l.got[:0]
		for _, e := range l.events[:max(n, 0)] {
			c := l.clients[int(e.Fd)]
			got := 0
			if e.Events&^unix.EPOLLOUT != 0 {
				if got, err = l.read(c); err != nil {
					return err
				}
			}
			if got > 0 || c.blocked {
				l.got = append(l.got, answers{c, got})
			}
		}
		for _, a := range l.got {
			if a.n > 0 {
				err = answered(a.client, a.n)
			} else {
				err = l.allow(a.client, 0)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// read takes what there is and counts the messages that end in it.
func (l *load) read(c *client) (answers int, err error) {
	n, err := rawRead(c.fd, l.buf)
	switch {
	case errors.Is(err, unix.EAGAIN):
		return 0, nil
	case err != nil:
		return 0, err
	case n == 0:
		return 0, errors.New("the server closed a connection")
	}
	before := c.answers
	b := l.buf[:n]
	for len(b) > 0 {
		if c.left == 0 {
			if b, err = c.begin(b); err != nil {
				return 0, err
			}
		}
		took := min(uint64(len(b)), c.left)
		if c.answers == 0 && !c.control {
			c.first = append(c.first, b[:took]...)
		}
		b = b[took:]
		if c.left -= took; c.left == 0 && len(c.header) == 0 && c.fin {
			c.answers++
			c.fin = false
		}
	}
	return c.answers - before, nil
}

// begin reads a frame's header, which may have come in parts.
func (c *client) begin(b []byte) (rest []byte, err error) {
	had := len(c.header)
	at := b
	if had > 0 {
		c.header = append(c.header, b[:min(len(b), protocol.MaxHeaderSize-had)]...)
		at = c.header
	}
	h, n := protocol.ParseHeader(at)
	if n == 0 {
		if had == 0 {
			c.header = append(c.header, b...)
		}
		return nil, nil
	}
	if h.Opcode == protocol.OpClose {
		return nil, fmt.Errorf("the server closed with % x", b)
	}
	c.header = c.header[:0]
	c.left, c.control = h.PayloadLength, h.Opcode.Control()
	c.fin = h.Fin && !c.control
	if c.answers == 0 && h.Opcode != protocol.OpContinuation {
		c.rsv1 = h.RSV&protocol.RSV1 != 0
	}
	return b[n-had:], nil
}

// frame is a client's frame with a masking key that is no zero.
func frame(op protocol.Opcode, rsv uint8, p []byte) []byte {
	h := protocol.Header{Fin: true, RSV: rsv, Opcode: op, Masked: true, MaskingKey: 0x37fa213d, PayloadLength: uint64(len(p))}
	wire := append(protocol.AppendHeader(nil, h), p...)
	protocol.Mask(h.MaskingKey, 0, wire[len(wire)-len(p):])
	return wire
}
