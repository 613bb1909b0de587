// A connection as a stream of bytes.

package websocket

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// NetConn returns c as a stream of bytes, for code that expects a net.Conn. Each Write sends one
// message of the given opcode, [Text] or [Binary]; Read returns the payloads of the received
// messages, one after the other. A message of the other opcode closes the connection
// with 1003.
//
// When the peer has closed with 1000 or 1001, or without a code, Read returns io.EOF. Close does
// the close handshake with 1000. Deadlines are those of c; as with other net.Conns a read that
// misses its deadline loses nothing, and a write that does ends the connection.
func NetConn(c *Conn, op Opcode) net.Conn { return &netConn{Conn: c, op: op} }

type netConn struct {
	*Conn
	op      Opcode
	message io.Reader // that is being read, or nil
}

func (n *netConn) Read(p []byte) (int, error) {
	for {
		if n.message == nil {
			if err := n.next(); err != nil {
				return 0, streamError(err)
			}
		}
		read, err := n.message.Read(p)
		if err == io.EOF {
			n.message, err = nil, nil
		}
		if read > 0 || err != nil || len(p) == 0 {
			return read, streamError(err)
		}
	}
}

// next begins the next message.
func (n *netConn) next() error {
	op, r, err := n.NextReader()
	if err == nil && op != n.op {
		err = fmt.Errorf("read stream: a message of %v, want %v", op, n.op)
		_ = n.Conn.Close(CloseUnsupportedData, "only messages of opcode "+n.op.String())
	}
	n.message = r
	if err != nil {
		n.message = nil
	}
	return err
}

// streamError turns the error of a Conn into that of a net.Conn.
func streamError(err error) error {
	switch CloseStatus(err) {
	case 0:
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return os.ErrDeadlineExceeded // a net.Error itself
		}
	case CloseNormal, CloseGoingAway, CloseNoStatus:
		if !errors.Is(err, net.ErrClosed) {
			return io.EOF
		}
	}
	return err
}

func (n *netConn) Write(p []byte) (int, error) {
	if err := n.WriteMessage(n.op, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (n *netConn) Close() error { return n.Conn.Close(CloseNormal, "") }

func (n *netConn) SetDeadline(t time.Time) error {
	return errors.Join(n.SetReadDeadline(t), n.SetWriteDeadline(t))
}
