// The endpoint under test, and how the test connects to it: TCP and the opening handshake.

package conformance

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"framescope/protocol"
	"framescope/server/echo"
	"framescope/server/websocket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// setup says what the endpoint under test is and how the test connects to it.
type setup struct {
	tested     protocol.Side // its role
	options    websocket.Options
	app        func(*websocket.Conn) error // what it does; nil to echo
	extensions []string                    // Sec-WebSocket-Extensions that the test's end sends
	behind     []byte                      // sent in one write with the handshake
	streams    *streams                    // of HTTP/2; nil for a TCP connection
}

// connect does the opening handshake with the endpoint under test.
func connect(t *testing.T, s setup) *peer {
	t.Helper()
	switch {
	case s.streams != nil && s.tested == protocol.Client:
		return s.streams.connectClient(t, s)
	case s.streams != nil:
		return s.streams.connectServer(t, s)
	case s.tested == protocol.Client:
		return s.connectClient(t)
	}
	return s.connectServer(t)
}

// halfCloser is a connection whose sending half can be closed.
type halfCloser interface {
	net.Conn
	CloseWrite() error
}

func newPeer(t *testing.T, nc net.Conn, side protocol.Side, ended <-chan error) *peer {
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(patience))
	p := &peer{t: t, nc: nc.(halfCloser), r: bufio.NewReaderSize(nc, 64<<10), side: side, ended: ended, sent: make(chan struct{})}
	close(p.sent)
	return p
}

// The key and the accept key are the example of RFC 6455 1.3.
const (
	request = "GET / HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n%s"
	requestAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
	response      = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: %s\r\n%s\r\n%s"
)

// extensionFields are the lines of the head that name extensions.
func (s setup) extensionFields() (lines string) {
	for _, e := range s.extensions {
		lines += "Sec-WebSocket-Extensions: " + e + "\r\n"
	}
	return lines
}

// connectServer connects to a server that runs the app.
func (s setup) connectServer(t *testing.T) *peer {
	t.Helper()
	ended := make(endings, 1)
	var nc net.Conn
	serve(t, accept(t, func(address string) {
		var err error
		if nc, err = net.Dial("tcp", address); err != nil {
			t.Fatal(err)
		}
	}), s.handler(ended))
	p := newPeer(t, nc, protocol.Client, ended)
	fmt.Fprintf(nc, request, nc.RemoteAddr(), s.extensionFields(), s.behind)
	answer, err := http.ReadResponse(p.r, nil)
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols || answer.Header.Get("Sec-Websocket-Accept") != requestAccept {
		t.Fatalf("the handshake was answered with %v, %v", answer, err)
	}
	p.extensions = answer.Header.Values("Sec-Websocket-Extensions")
	return p
}

func (s setup) handler(ended endings) http.Handler {
	server := &websocket.Server{Options: s.options}
	if s.app == nil {
		return &echo.Handler{Server: server, Log: slog.New(ended)}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := server.Accept(w, r, nil)
		if err == nil {
			err = s.app(c)
		}
		ended <- err
	})
}

// connectClient lets our client, which runs the app, connect to the test.
func (s setup) connectClient(t *testing.T) *peer {
	t.Helper()
	ended := make(chan error, 1)
	nc := accept(t, func(address string) {
		go func() {
			c, _, err := websocket.Dial(t.Context(), "ws://"+address+"/", &websocket.DialOptions{Options: s.options})
			if err == nil && s.app == nil {
				err = echoes(c)
			} else if err == nil {
				err = s.app(c)
			}
			ended <- err
		}()
	})
	p := newPeer(t, nc, protocol.Server, ended)
	r, err := http.ReadRequest(p.r)
	if err != nil {
		t.Fatal(err)
	}
	p.extensions = r.Header.Values("Sec-Websocket-Extensions")
	sum := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	fmt.Fprintf(nc, response, base64.StdEncoding.EncodeToString(sum[:]), s.extensionFields(), s.behind)
	return p
}

// echoes is the client's echo.
func echoes(c *websocket.Conn) error {
	for {
		op, p, err := c.NextMessage()
		if err != nil {
			return err
		}
		if err := c.WriteMessage(op, p); err != nil && !errors.Is(err, websocket.ErrClosed) {
			return err
		}
	}
}

// endings takes from the echo's log why a connection ended.
type endings chan error

func (e endings) Enabled(context.Context, slog.Level) bool { return true }
func (e endings) WithAttrs([]slog.Attr) slog.Handler       { return e }
func (e endings) WithGroup(string) slog.Handler            { return e }
func (e endings) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok {
			e <- err
		}
		return true
	})
	return nil
}
