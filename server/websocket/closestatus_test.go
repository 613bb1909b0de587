// What errors say about the end of a connection: its code, which end closed it, and that every end is a
// CloseError.

package websocket_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

// ended reads until the connection ends, and returns why.
func ended(c *websocket.Conn) <-chan error {
	why := make(chan error, 1)
	go func() {
		for {
			if _, _, err := c.ReadMessage(); err != nil {
				why <- err
				return
			}
		}
	}()
	return why
}

func TestEveryEndIsACloseError(t *testing.T) {
	slow := plain
	slow.IdleTimeout, slow.PongTimeout = 20*time.Millisecond, 20*time.Millisecond
	for name, test := range map[string]struct {
		options websocket.Options
		end     func(nc net.Conn, c *websocket.Conn)
		code    websocket.CloseCode
		byUs    bool
	}{
		"the peer closes": {plain, func(nc net.Conn, _ *websocket.Conn) {
			nc.Write(masked(protocol.OpClose, true, "\x0f\xa0bye"))
		}, 4000, false},
		"the peer closes without a code": {plain, func(nc net.Conn, _ *websocket.Conn) {
			nc.Write(masked(protocol.OpClose, true, ""))
		}, websocket.CloseNoStatus, false},
		"the peer is gone": {plain, func(nc net.Conn, _ *websocket.Conn) { nc.Close() }, websocket.CloseAbnormal, false},
		"the peer breaks a rule": {plain, func(nc net.Conn, _ *websocket.Conn) {
			nc.Write(masked(3, true, ""))
		}, websocket.CloseProtocolError, false},
		"the peer is silent": {slow, func(net.Conn, *websocket.Conn) {}, websocket.ClosePolicy, false},
		"CloseNow":           {plain, func(_ net.Conn, c *websocket.Conn) { c.CloseNow() }, websocket.CloseAbnormal, true},
		"Close": {plain, func(nc net.Conn, c *websocket.Conn) {
			go c.Close(websocket.CloseGoingAway, "")
			io.ReadFull(nc, make([]byte, 4))
			nc.Write(masked(protocol.OpClose, true, "\x03\xe8"))
		}, websocket.CloseNormal, true},
		"Close, and no answer": {websocket.Options{CloseTimeout: 20 * time.Millisecond}, func(_ net.Conn, c *websocket.Conn) {
			go c.Close(websocket.CloseGoingAway, "")
		}, websocket.CloseAbnormal, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // some linger
			nc, c := rawPeer(t, test.options)
			why := ended(c)
			test.end(nc, c)
			err := <-why
			if got := websocket.CloseStatus(err); got != test.code {
				t.Errorf("ended with %v, want %v: %v", got, test.code, err)
			}
			if got := errors.Is(err, net.ErrClosed); got != test.byUs {
				t.Errorf("closed by us: %v, want %v: %v", got, test.byUs, err)
			}
			if err := c.Err(); websocket.CloseStatus(err) != test.code || errors.Is(err, net.ErrClosed) != test.byUs {
				t.Errorf("Err is %v", err)
			}
			err = c.WriteMessage(websocket.Text, nil)
			if !errors.Is(err, websocket.ErrClosed) || !errors.Is(err, net.ErrClosed) {
				t.Errorf("a write after the end: %v", err)
			}
		})
	}
}

func TestShutdownClosesByUs(t *testing.T) {
	why := make(chan error, 1)
	s := &websocket.Server{Options: plain}
	address := serve(t, s, func(c *websocket.Conn) { why <- <-ended(c) })
	c, _, err := websocket.Dial(t.Context(), address, nil)
	if err != nil {
		t.Fatal(err)
	}
	theirs := ended(c)
	s.Shutdown(t.Context())
	if err := <-why; websocket.CloseStatus(err) != websocket.CloseGoingAway || !errors.Is(err, net.ErrClosed) {
		t.Errorf("the server's side: %v", err)
	}
	if err := <-theirs; websocket.CloseStatus(err) != websocket.CloseGoingAway || errors.Is(err, net.ErrClosed) {
		t.Errorf("the client's side: %v", err)
	}
}

func TestFailedWriteReturnsHowItEnded(t *testing.T) {
	o := plain
	o.WriteTimeout = 50 * time.Millisecond
	_, c := rawPeer(t, o)
	var err error
	for err == nil {
		err = c.WriteMessage(websocket.Binary, make([]byte, 1<<20))
	}
	if websocket.CloseStatus(err) != websocket.CloseAbnormal || !errors.Is(err, websocket.ErrSlowReader) || errors.Is(err, net.ErrClosed) {
		t.Errorf("a write that is not read: %v", err)
	}
}

func TestCloseStatusOfOtherErrors(t *testing.T) {
	for _, err := range []error{nil, io.EOF, websocket.ErrClosed, os.ErrDeadlineExceeded} {
		if got := websocket.CloseStatus(err); got != 0 {
			t.Errorf("%v: %v", err, got)
		}
	}
	closed := fmt.Errorf("chat: %w", &websocket.CloseError{Code: 4001})
	if websocket.CloseStatus(closed) != 4001 {
		t.Error("a close error inside another is not found")
	}
}

// An error that is nil is nil: as an error, of whatever call.
func TestNoTypedNil(t *testing.T) {
	client, server := pair(t, plain)
	calls := map[string]func() error{
		"Err":          client.Err,
		"WriteMessage": func() error { return client.WriteMessage(websocket.Text, nil) },
		"ReadMessage":  func() error { _, _, err := server.ReadMessage(); return err },
		"Close": func() error {
			go server.ReadMessage()
			return client.Close(websocket.CloseNormal, "")
		},
	}
	for _, name := range []string{"Err", "WriteMessage", "ReadMessage", "Close"} {
		if err := calls[name](); err != nil {
			t.Errorf("%s: %#v", name, err)
		}
	}
}
