// A library at one end of a real socket, echoing, and the test at the other.

package compare_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// failed is what an application is told when the peer was at fault, and lost when
// the connection ended without a close frame, in place of the peer's close code.
const (
	failed = 0
	lost   = 1006
)

// library echoes on a connection in a role until it ends, and returns the peer's
// close code, or failed, or lost.
type library struct {
	name string
	echo func(net.Conn, role) (told int)
	// handshake does the test's part of the opening handshake, if there is one.
	handshake func(net.Conn, *bufio.Reader, role) error
}

// rig is a connection to a library, opened anew when a case has ended it.
type rig struct {
	library
	role role

	wire net.Conn // nil while there is none
	in   *bufio.Reader
	apps chan net.Conn // to the goroutine that is the library's application
	told chan int      // and from it
}

func newRig(l library, r role) *rig {
	g := &rig{library: l, role: r, in: bufio.NewReader(nil), apps: make(chan net.Conn), told: make(chan int)}
	go func() {
		defer close(g.told)
		for nc := range g.apps {
			g.told <- g.echo(nc, r)
		}
	}()
	return g
}

// stop ends the connection and the application.
func (g *rig) stop() {
	g.close()
	close(g.apps)
	<-g.told
}

// patience is how long an answer may take before a library counts as silent.
const patience = 20 * time.Second

// sockets makes pairs of connected sockets. Unix sockets leave no port behind in
// TIME_WAIT, of which TCP would soon run out here.
type sockets struct {
	mu       sync.Mutex
	dir      string
	listener net.Listener
}

func (s *sockets) pair() (a, b net.Conn, err error) {
	s.mu.Lock() // or two could cross over
	defer s.mu.Unlock()
	if s.listener == nil {
		if s.dir, err = os.MkdirTemp("", "compare"); err != nil {
			return nil, nil, err
		}
		if s.listener, err = net.Listen("unix", filepath.Join(s.dir, "socket")); err != nil {
			return nil, nil, err
		}
	}
	if a, err = net.Dial("unix", s.listener.Addr().String()); err != nil {
		return nil, nil, err
	}
	b, err = s.listener.Accept()
	return a, b, err
}

func (s *sockets) close() {
	if s.listener != nil {
		s.listener.Close()
		os.RemoveAll(s.dir)
	}
}

var pairs sockets

func (g *rig) open() error {
	wire, theirs, err := pairs.pair()
	if err != nil {
		return err
	}
	wire.SetDeadline(time.Now().Add(patience))
	g.wire = wire
	g.in.Reset(wire)
	g.apps <- theirs
	if g.handshake != nil {
		return g.handshake(wire, g.in, g.role)
	}
	return nil
}

// close ends the connection, if there is one, and returns what the library's
// application was told of it.
func (g *rig) close() (told int) {
	if g.wire == nil {
		return lost
	}
	g.wire.Close()
	g.wire = nil
	return <-g.told
}

// probe is a ping whose pong marks that all before it has been taken.
const probe = "\x00probe"

// play sends a case and returns what the library made of it. A case that is cut
// may end anywhere: the end of the stream follows.
func (g *rig) play(e exchange) (v verdict, err error) {
	if g.wire == nil {
		if err := g.open(); err != nil {
			return v, err
		}
	} else {
		g.wire.SetDeadline(time.Now().Add(patience))
	}
	wire := e.wire
	if !e.cut {
		wire = appendFrame(wire[:len(wire):len(wire)], g.role, fin|ping, probe)
	}
	// A library that hangs up early breaks this write; what it did tells the reading.
	_, _ = g.wire.Write(wire)
	if e.cut {
		_ = g.wire.(interface{ CloseWrite() error }).CloseWrite()
	}
	for {
		a, err := readAnswer(g.in, g.role)
		switch {
		case err != nil:
			return g.ended(v, e.cut, err)
		case a.op == closing:
			return g.closed(v, a.payload)
		case a.op == pong && string(a.payload) == probe:
			return v, nil
		}
		v.answer(a)
	}
}

// closed is the verdict after a close frame came: that must have been the last.
func (g *rig) closed(v verdict, payload []byte) (verdict, error) {
	v.end, v.code = refused, noStatus
	if len(payload) >= 2 {
		v.code = int(payload[0])<<8 | int(payload[1])
	}
	if g.role == client {
		// RFC 6455 7.1.1: the server ends TCP first, and a client may wait for it.
		_ = g.wire.(interface{ CloseWrite() error }).CloseWrite()
	}
	if a, err := readAnswer(g.in, g.role); err == nil {
		return v, fmt.Errorf("%s sent %v after its close frame", g.name, a)
	}
	if told := g.close(); told != failed {
		v.end, v.told = closed, told
	}
	return v, nil
}

// ended is the verdict after the library ended the stream without a close frame.
func (g *rig) ended(v verdict, cut bool, cause error) (verdict, error) {
	told := g.close()
	switch {
	case errors.Is(cause, os.ErrDeadlineExceeded):
		v.end = silent
	case cut && told == lost:
		v.end = open // until we hung up
	case errors.Is(cause, io.EOF) || errors.Is(cause, errReset):
		v.end = dropped
	default:
		return v, fmt.Errorf("%s: %w", g.name, cause)
	}
	return v, nil
}
