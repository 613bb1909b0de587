// What is written at the descriptor is recorded before it is written.

package websocket_test

import (
	"io"
	"net"
	"testing"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

// shutConn is a recorded socket that can write nothing once a write was recorded.
type shutConn struct{ *net.TCPConn }

func (c *shutConn) Received([]byte, error) {}
func (c *shutConn) Sending([]byte)         { c.CloseWrite() }

// A write is recorded before it is made: so the peer's answer is never recorded before what it answers.
func TestWriteIsRecordedBeforeItIsMade(t *testing.T) {
	for name, write := range map[string]func(*websocket.Conn) error{
		"a message":      func(c *websocket.Conn) error { return c.WriteMessage(protocol.OpText, []byte("recorded")) },
		"a long message": func(c *websocket.Conn) error { return c.WriteMessage(protocol.OpBinary, make([]byte, 100_000)) },
		"a close frame":  func(c *websocket.Conn) error { return c.Close(protocol.CloseNormal, "") },
		"a queued message": func(c *websocket.Conn) error {
			sent := make(chan struct{}, 1)
			c.OnDrain(func() { sent <- struct{}{} })
			if err := c.Send(prepared(protocol.OpText, []byte("recorded"))); err != nil {
				return err
			}
			<-sent
			return c.Err()
		},
	} {
		near, far := tcpPair(t)
		far.SetDeadline(timeLimit())
		o := plain
		o.CloseTimeout = time.Millisecond // the peer does not answer
		c := websocket.NewConn(&shutConn{near}, protocol.Server, nil, o)
		if err := write(c); err == nil {
			t.Errorf("%s was written before it was recorded", name)
		}
		if sent, err := io.ReadAll(far); len(sent) > 0 {
			t.Errorf("%s: the peer has got % x, %v", name, sent, err)
		}
		c.CloseNow()
	}
}
