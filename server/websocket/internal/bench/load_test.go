// The load: one thread and one epoll, so that it costs far less than any server,
// and the same for each.

package bench

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// load is many clients.
type load struct {
	epoll   int
	clients map[int]*client
	buf     []byte
	events  []unix.EpollEvent
	got     []answers
	bytes   int   // of answers
	page    *page // or nil
}

// answers are how many messages a client got.
type answers struct {
	client *client
	n      int
}

// newLoad has a page that watches, where the server is to have one.
func newLoad(s *child) (*load, error) {
	ep, err := unix.EpollCreate1(0)
	if err != nil {
		return nil, err
	}
	l := &load{epoll: ep, clients: map[int]*client{}, buf: make([]byte, 1<<20), events: make([]unix.EpollEvent, 256)}
	if s.name == "framescope+page" {
		if err := l.watch(s.addr); err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

func (l *load) close() {
	for fd := range l.clients {
		reset(fd)
	}
	unix.Close(l.epoll)
}

// add connects a client that is to send out over and over.
func (l *load) add(addr, path, fields string, out []byte) (*client, error) {
	fd, _, err := openHandshake(addr, path, fields)
	if err != nil {
		return nil, err
	}
	c := &client{fd: fd, out: out}
	l.clients[fd] = c
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	return c, unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

// allow lets a client send n bytes more.
func (l *load) allow(c *client, n int) error {
	c.owed += n
	for c.owed > 0 {
		n, err := rawWrite(c.fd, c.out[c.at:min(len(c.out), c.at+c.owed)])
		if errors.Is(err, unix.EAGAIN) {
			return l.await(c, true)
		}
		if err != nil {
			return err
		}
		c.owed -= n
		if c.at += n; c.at == len(c.out) {
			c.at = 0
		}
	}
	return l.await(c, false)
}

// await waits for room in the socket too, or no longer.
func (l *load) await(c *client, blocked bool) error {
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

// run takes turns until the deadline.
func (l *load) run(until time.Time, answered func(c *client, n int) error) error {
	for time.Now().Before(until) {
		if err := l.turn(5, answered); err != nil {
			return err
		}
	}
	return nil
}

// turn waits for answers and tells of those that a client got: of all that are
// there first, so that what is sent on finds the server at work, and waking it is
// not what is measured.
func (l *load) turn(milliseconds int, answered func(c *client, n int) error) error {
	n, err := rawWait(l.epoll, l.events, milliseconds)
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
		switch {
		case a.n == 0:
			err = l.allow(a.client, 0)
		case l.page != nil && a.client == l.page.client:
			err = l.allow(a.client, a.n*len(a.client.out))
		default:
			err = answered(a.client, a.n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *load) received() int { return l.bytes }

// read takes what there is and counts the messages that end in it.
func (l *load) read(c *client) (answers int, err error) {
	n, err := rawRead(c.fd, l.buf)
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return 0, nil
	case err != nil:
		return 0, err
	case n == 0:
		return 0, errors.New("the server closed a connection")
	}
	if l.page == nil || c != l.page.client {
		l.bytes += n
	}
	return c.read(l.buf[:n])
}
