// A test of what an idle session takes, beside a plain WebSocket connection.

package engineio_test

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	"framescope/server/echo"
	"framescope/server/engineio"
	"framescope/server/websocket"
)

const idleHandshake = " HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

// idleBytes returns how many bytes of heap and stacks a connection to a server takes, those of
// its client included.
func idleBytes(t *testing.T, handler http.Handler, target string, packets int, send []byte) int {
	t.Helper()
	const connections = 1000
	server := httptest.NewServer(handler)
	defer server.Close()
	address := server.Listener.Addr().String()
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	connect := func() {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
		io.WriteString(c, "GET "+target+idleHandshake)
		r := bufio.NewReader(c)
		answer, err := http.ReadResponse(r, nil)
		if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("handshake: %v, %v", answer, err)
		}
		c.Write(send)
		for range packets {
			head, err := r.Peek(4)
			if err != nil {
				t.Fatal(err)
			}
			n := 2 + int(head[1])
			if head[1] == 126 {
				n = 4 + int(head[2])<<8 + int(head[3])
			}
			if _, err := r.Discard(n); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 50 {
		connect()
	}
	before := inUse()
	for range connections {
		connect()
	}
	return (inUse() - before) / connections
}

func inUse() int {
	for range 4 { // stacks shrink by half at a time
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}

// TestIdleMemory: an idle session takes at most 2 KiB more than a plain connection, also when it has
// received messages.
func TestIdleMemory(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler)
	masked := func(text string) []byte { // with a masking key of zeros
		return append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...)
	}
	sockets := &websocket.Server{}
	plain := idleBytes(t, &echo.Handler{Server: sockets, Log: quiet}, "/", 1, masked("hello"))
	sockets.Shutdown(t.Context())
	for name, c := range map[string]struct {
		packets int
		send    []byte
	}{
		"silent":       {1, nil},
		"one message":  {2, masked("4hello")},
		"two messages": {3, append(masked("4hello"), masked("4hello")...)},
	} {
		engine := engineio.New(engineio.Options{Open: engineio.Echo, Log: quiet})
		session := idleBytes(t, engine, "/?EIO=4&transport=websocket", c.packets, c.send)
		engine.Shutdown(t.Context())
		t.Logf("a plain connection takes %d bytes with its client's, a session (%s) %d", plain, name, session)
		if session-plain > 2<<10 {
			t.Errorf("a session (%s) takes %d bytes more than a plain connection", name, session-plain)
		}
	}
}
