// Tests of Dial over HTTP/2.

package websocket_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"framescope/protocol"
	"framescope/server/websocket"
)

// overHTTP2 are options for the server of a test.
func overHTTP2(h *websocket.HTTP2) *websocket.DialOptions {
	return &websocket.DialOptions{HTTP2: h, TLS: &tls.Config{InsecureSkipVerify: true}}
}

func socketURL(s *httptest.Server) string {
	return "ws" + strings.TrimPrefix(s.URL, "http") + "/chat?x=1"
}

// dialHTTP2 opens a WebSocket over HTTP/2.
func dialHTTP2(t testing.TB, s *httptest.Server, o *websocket.DialOptions) *websocket.Conn {
	t.Helper()
	c, response, err := websocket.Dial(context.Background(), socketURL(s), o)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != 200 || response.ProtoMajor != 2 {
		t.Errorf("the answer is %v", response.Status)
	}
	t.Cleanup(c.CloseNow)
	return c
}

func TestDialsShareAConnection(t *testing.T) {
	h, ended := echoOver(&websocket.Server{}, &websocket.AcceptOptions{Subprotocols: []string{"chat"}})
	s := http2Server(t, h)
	var shared websocket.HTTP2
	const dials = 20
	conns := make([]*websocket.Conn, dials)
	var all sync.WaitGroup
	for i := range conns {
		all.Go(func() {
			o := overHTTP2(&shared)
			o.Subprotocols, o.Compression.ContextTakeover = []string{"chat"}, true
			conns[i] = dialHTTP2(t, s, o)
		})
	}
	all.Wait()
	for i, c := range conns {
		if c.LocalAddr().String() != conns[0].LocalAddr().String() {
			t.Fatalf("WebSocket %d is on a connection of its own", i)
		}
		if c.Subprotocol() != "chat" || !c.Deflate().On {
			t.Errorf("agreed: %q, %v", c.Subprotocol(), c.Deflate())
		}
		text := bytes.Repeat([]byte("Hello "), 1<<(i%16))
		all.Go(func() {
			if err := c.WriteMessage(websocket.Text, text); err != nil {
				t.Error(err)
			}
			if _, p, err := c.ReadMessage(); err != nil || !bytes.Equal(p, text) {
				t.Errorf("%d bytes came back as %d, %v", len(text), len(p), err)
			}
		})
	}
	all.Wait()
	for _, c := range conns {
		if err := c.Close(websocket.CloseNormal, "bye"); err != nil {
			t.Error(err)
		}
		if err := <-ended; websocket.CloseStatus(err) != websocket.CloseNormal {
			t.Errorf("the server sees %v", err)
		}
	}
}

func TestDialHTTP2Fails(t *testing.T) {
	h, _ := echoOver(&websocket.Server{}, nil)
	s := http2Server(t, h)
	dial := func(t *testing.T, url string, o *websocket.DialOptions) error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		c, _, err := websocket.Dial(ctx, url, o)
		if err == nil {
			c.CloseNow()
		}
		return err
	}
	t.Run("no TLS", func(t *testing.T) {
		if err := dial(t, "ws://127.0.0.1:1/", overHTTP2(new(websocket.HTTP2))); !errors.Is(err, websocket.ErrRequest) || !strings.Contains(err.Error(), "wss://") {
			t.Error(err)
		}
	})
	t.Run("HTTP/1.1 only", func(t *testing.T) {
		old := httptest.NewTLSServer(h)
		defer old.Close()
		if err := dial(t, socketURL(old), overHTTP2(new(websocket.HTTP2))); !errors.Is(err, websocket.ErrHTTP2) {
			t.Error(err)
		}
	})
	t.Run("no ALPN", func(t *testing.T) {
		l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: s.TLS.Certificates})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			if nc, err := l.Accept(); err == nil {
				_ = nc.(*tls.Conn).Handshake()
				_, _ = io.Copy(io.Discard, nc)
				nc.Close()
			}
		}()
		if err := dial(t, "wss://"+l.Addr().String(), overHTTP2(new(websocket.HTTP2))); !errors.Is(err, websocket.ErrHTTP2) {
			t.Error(err)
		}
	})
	t.Run("no setting", func(t *testing.T) {
		address := bareHTTP2(t, s, func(f *http2.Framer) { _ = f.WriteSettings() })
		if err := dial(t, "wss://"+address, overHTTP2(new(websocket.HTTP2))); !errors.Is(err, websocket.ErrHTTP2) || !strings.Contains(err.Error(), "ENABLE_CONNECT_PROTOCOL") {
			t.Error(err)
		}
	})
	t.Run("GOAWAY", func(t *testing.T) {
		address := bareHTTP2(t, s, func(f *http2.Framer) {
			_ = f.WriteSettings(http2.Setting{ID: http2.SettingEnableConnectProtocol, Val: 1})
			_ = f.WriteGoAway(0, http2.ErrCodeEnhanceYourCalm, nil)
		})
		if err := dial(t, "wss://"+address, overHTTP2(new(websocket.HTTP2))); err == nil {
			t.Error("connected")
		}
	})
	t.Run("refused", func(t *testing.T) {
		o := overHTTP2(new(websocket.HTTP2))
		o.Header = http.Header{"Origin": {"https://evil.example"}}
		var refused *websocket.HandshakeError
		if err := dial(t, socketURL(s), o); !errors.As(err, &refused) || !strings.Contains(err.Error(), "status 403") || !strings.Contains(err.Error(), "evil.example may not connect") {
			t.Error(err)
		}
	})
	t.Run("no answer", func(t *testing.T) {
		address := bareHTTP2(t, s, func(f *http2.Framer) {
			_ = f.WriteSettings(http2.Setting{ID: http2.SettingEnableConnectProtocol, Val: 1})
		})
		ctx, cancel := context.WithTimeoutCause(context.Background(), 50*time.Millisecond, errors.New("no time left"))
		defer cancel()
		_, _, err := websocket.Dial(ctx, "wss://"+address, overHTTP2(new(websocket.HTTP2)))
		if err == nil || !strings.Contains(err.Error(), "no time left") {
			t.Error(err)
		}
	})
}

// bareHTTP2 is a server that only sends what begin writes.
func bareHTTP2(t *testing.T, s *httptest.Server, begin func(*http2.Framer)) (address string) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: s.TLS.Certificates, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		if _, err := io.ReadFull(nc, make([]byte, len(http2.ClientPreface))); err != nil {
			return
		}
		f := http2.NewFramer(nc, nc)
		begin(f)
		for {
			if _, err := f.ReadFrame(); err != nil {
				return
			}
		}
	})
	t.Cleanup(func() { l.Close(); served.Wait() })
	return l.Addr().String()
}

// TestDeadlinesOverHTTP2: a read that misses its deadline loses nothing; a write that does ends the
// stream, and no other stream of the connection.
func TestDeadlinesOverHTTP2(t *testing.T) {
	var server websocket.Server
	accepted := make(chan *websocket.Conn, 2)
	s := http2Server(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = server.Handle(w, r, nil, func(c *websocket.Conn) {
			accepted <- c
			<-c.Done()
		})
	}))
	var shared websocket.HTTP2
	client := dialHTTP2(t, s, overHTTP2(&shared))
	ours := <-accepted
	other := dialHTTP2(t, s, overHTTP2(&shared))
	theirs := <-accepted
	defer ours.CloseNow() // nothing reads there
	defer theirs.CloseNow()
	for name, pair := range map[string][2]*websocket.Conn{"server": {ours, client}, "client": {client, ours}} {
		reader, writer := pair[0], pair[1]
		for range 3 {
			if err := reader.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			if _, _, err := reader.ReadMessage(); !errors.Is(err, context.DeadlineExceeded) && !isTimeout(err) {
				t.Fatalf("%s: %v", name, err)
			}
		}
		_ = reader.SetReadDeadline(time.Time{})
		if err := writer.WriteMessage(websocket.Text, []byte("late")); err != nil {
			t.Fatal(err)
		}
		if _, p, err := reader.ReadMessage(); err != nil || string(p) != "late" {
			t.Errorf("%s: %q, %v", name, p, err)
		}
	}
	// The client does not read: the window of its stream is full at some time.
	_ = ours.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	var err error
	for err == nil {
		err = ours.WriteMessage(websocket.Binary, make([]byte, 1<<20))
	}
	if !errors.Is(err, websocket.ErrSlowReader) {
		t.Errorf("the write ended with %v", err)
	}
	for err = nil; err == nil; {
		_, _, err = client.ReadMessage()
	}
	if websocket.CloseStatus(err) != websocket.CloseAbnormal {
		t.Errorf("the client sees %v", err)
	}
	if err := theirs.WriteMessage(websocket.Text, []byte("still here")); err != nil {
		t.Error(err)
	}
	if _, p, err := other.ReadMessage(); err != nil || string(p) != "still here" {
		t.Errorf("%q, %v", p, err)
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// TestCloseOverHTTP2: whichever side closes, with whatever the other then sees.
func TestCloseOverHTTP2(t *testing.T) {
	h, ended := echoOver(&websocket.Server{Options: websocket.Options{MaxMessageSize: 100}}, nil)
	s := http2Server(t, h)
	t.Run("breach", func(t *testing.T) {
		c := dialHTTP2(t, s, overHTTP2(new(websocket.HTTP2)))
		if err := c.WriteMessage(websocket.Text, make([]byte, 101)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.ReadMessage(); websocket.CloseStatus(err) != protocol.CloseMessageTooBig {
			t.Errorf("the client sees %v", err)
		}
		if err := <-ended; websocket.CloseStatus(err) != protocol.CloseMessageTooBig {
			t.Errorf("the server sees %v", err)
		}
	})
	t.Run("no handshake", func(t *testing.T) {
		c := dialHTTP2(t, s, overHTTP2(new(websocket.HTTP2)))
		c.CloseNow()
		if err := <-ended; websocket.CloseStatus(err) != websocket.CloseAbnormal {
			t.Errorf("the server sees %v", err)
		}
	})
}
