// WebSockets over HTTP/2: each stream is recorded as a connection.

package tap_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"framescope/protocol"
	"framescope/protocol/feed"
	_ "framescope/server/extendedconnect"
	"framescope/server/tap"
	"framescope/server/websocket"
)

// tappedHTTP2 starts an echo server over HTTP/2 under a tap.
func tappedHTTP2(t testing.TB) (*tap.Tap, string) {
	t.Helper()
	frames := tap.New(tap.Options{Snap: 1 << 20, History: 64 << 20})
	sockets := &websocket.Server{}
	mux := http.NewServeMux()
	mux.Handle("/echo", frames.Handler(1<<20, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = sockets.Handle(w, r, &websocket.AcceptOptions{Subprotocols: []string{"chat"}}, func(c *websocket.Conn) {
			for {
				op, p, err := c.NextMessage()
				if err != nil {
					return
				}
				_ = c.WriteMessage(op, p)
			}
		})
	})))
	server := httptest.NewUnstartedServer(mux)
	server.EnableHTTP2 = true
	tap.Attach(server.Config)
	server.StartTLS()
	t.Cleanup(server.Close)
	return frames, "wss" + strings.TrimPrefix(server.URL, "https") + "/echo?a=b%20c"
}

func overHTTP2() *websocket.DialOptions {
	return &websocket.DialOptions{HTTP2: new(websocket.HTTP2), TLS: &tls.Config{InsecureSkipVerify: true}}
}

func TestRecordsStreams(t *testing.T) {
	frames, url := tappedHTTP2(t)
	c := collect(t, frames)
	o := overHTTP2()
	o.Subprotocols = []string{"chat"}
	o.Header = http.Header{"Origin": {strings.Replace(url[:strings.LastIndex(url, "/")], "wss", "https", 1)}}
	var addresses []string
	for range 3 {
		conn, _, err := websocket.Dial(context.Background(), url, o)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseNow()
		if err := conn.WriteMessage(websocket.Text, []byte("Hello")); err != nil {
			t.Fatal(err)
		}
		if _, p, err := conn.ReadMessage(); err != nil || string(p) != "Hello" {
			t.Fatal(string(p), err)
		}
		addresses = append(addresses, conn.LocalAddr().String())
		defer conn.Close(websocket.CloseNormal, "")
	}
	c.until(func(r feed.Record) bool { return r.Kind == feed.Frame && r.Conn == 3 && r.Side == protocol.Server })
	for i, open := range c.of(feed.Open, protocol.Client) {
		if got, want := string(open.Data[8:]), fmt.Sprintf("%s, HTTP/2 stream %d", addresses[0], 2*i+1); got != want || addresses[i] != addresses[0] {
			t.Errorf("connection %d is from %q, want %q", i+1, got, want)
		}
	}
	request, n := protocol.ParseHead(c.of(feed.Head, protocol.Client)[0].Data)
	r, target := protocol.RequestOf(request)
	if _, err := protocol.CheckRequest(r); err != nil || n == 0 || target != "/echo?a=b%20c" || request.StartLine != "CONNECT /echo?a=b%20c HTTP/2.0" {
		t.Errorf("%q: %v", request, err)
	}
	for name, want := range map[string]string{
		":method": "CONNECT", ":protocol": "websocket", ":scheme": "https", ":path": "/echo?a=b%20c", ":authority": r.Host,
		"sec-websocket-version": "13", "sec-websocket-protocol": "chat",
	} {
		if got := request.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	response, _ := protocol.ParseHead(c.of(feed.Head, protocol.Server)[0].Data)
	if err := protocol.CheckResponse(protocol.StatusOf(response), response, request); err != nil || response.Values("date") == nil {
		t.Errorf("%q: %v", response, err)
	}
	for _, side := range []protocol.Side{protocol.Client, protocol.Server} {
		if got := reassemble(t, side, c.of(feed.Frame, side)); len(got) != 3 || got[0] != "Hello" {
			t.Errorf("%v sent %q", side, got)
		}
	}
}

// TestRecordsTheEndOfAStream: who ended it, and the frame that the peer did not finish.
func TestRecordsTheEndOfAStream(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(*websocket.Conn, io.Writer)
		side protocol.Side
	}{
		"close handshake": {func(c *websocket.Conn, _ io.Writer) { _ = c.Close(websocket.CloseNormal, "") }, protocol.Server},
		"vanished":        {func(c *websocket.Conn, w io.Writer) { io.WriteString(w, "\x81\xfe\x01\x00"); c.CloseNow() }, protocol.Client},
		"breach": {func(c *websocket.Conn, w io.Writer) {
			io.WriteString(w, "\xf1\xfe\x01\x00....half")
			_, _, _ = c.ReadMessage()
		}, protocol.Server},
	} {
		t.Run(name, func(t *testing.T) {
			frames, url := tappedHTTP2(t)
			feeds := collect(t, frames)
			o := overHTTP2()
			var raw io.Writer
			o.Wrap = func(nc net.Conn) net.Conn { raw = nc; return nc }
			conn, _, err := websocket.Dial(context.Background(), url, o)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.CloseNow()
			c.end(conn, raw)
			feeds.until(closed)
			if ends := feeds.of(feed.Closed, c.side); len(ends) != 1 {
				t.Errorf("%v", feeds.records)
			}
			if name != "close handshake" {
				sent := feeds.of(feed.Frame, protocol.Client)
				if len(sent) != 1 || sent[0].Flags&feed.Partial == 0 {
					t.Errorf("sent: %v", sent)
				}
			}
		})
	}
}

func TestRecordsARefusedStream(t *testing.T) {
	frames, url := tappedHTTP2(t)
	c := collect(t, frames)
	o := overHTTP2()
	o.Header = http.Header{"Origin": {"https://evil.example"}}
	if _, _, err := websocket.Dial(context.Background(), url, o); err == nil {
		t.Fatal("accepted")
	}
	c.until(closed)
	answer, _ := protocol.ParseHead(c.of(feed.Head, protocol.Server)[0].Data)
	if protocol.StatusOf(answer) != http.StatusForbidden || len(c.of(feed.Frame, protocol.Server)) > 0 {
		t.Errorf("%q %v", answer, c.records)
	}
}
