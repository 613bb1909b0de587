// Connections whose state a test knows without waiting for a while: what has been received, and whether a
// write waits.

package websocket_test

import (
	"bytes"
	"net"
	"testing"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

// tcpPair is both ends of a TCP connection.
func tcpPair(t *testing.T) (near, far *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a.(*net.TCPConn), b.(*net.TCPConn)
}

// deadlineConn is a socket that may be used by its descriptor, and reports the write deadlines
// that are set.
type deadlineConn struct {
	*net.TCPConn
	set chan time.Time
}

func (c *deadlineConn) Received([]byte, error) {}
func (c *deadlineConn) Sending([]byte)         {}

func (c *deadlineConn) SetWriteDeadline(t time.Time) error {
	c.set <- t
	return c.TCPConn.SetWriteDeadline(t)
}

// watched is a connection of ours that has read what came already, the peer's end, and the write
// deadlines that are set on the socket: a write that begins to wait sets one.
func watched(t *testing.T, side protocol.Side, o websocket.Options, came ...[]byte) (nc net.Conn, c *websocket.Conn, set chan time.Time) {
	t.Helper()
	near, far := tcpPair(t)
	far.SetDeadline(timeLimit())
	set = make(chan time.Time, 100)
	c = websocket.NewConn(&deadlineConn{near, set}, side, bytes.Join(came, nil), o)
	t.Cleanup(c.CloseNow)
	return far, c, set
}

// arrived is a server's connection that has read frames which came together.
func arrived(t *testing.T, frames ...[]byte) (nc net.Conn, c *websocket.Conn) {
	t.Helper()
	nc, c, _ = watched(t, protocol.Server, plain, frames...)
	return nc, c
}

// clog has a goroutine write until the socket takes no more.
func clog(c *websocket.Conn, set <-chan time.Time) {
	go func() {
		for c.WriteMessage(protocol.OpBinary, make([]byte, 20_000)) == nil {
		}
	}()
	for by := range set {
		if !by.IsZero() {
			return
		}
	}
}

// halfPipe is a pipe that can close one direction, as TCP can; its peer does not notice.
type halfPipe struct{ net.Conn }

func (halfPipe) CloseWrite() error { return nil }
