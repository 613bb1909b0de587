// Benchmarks: what Engine.IO adds to a connection that echoes.

package engineio_test

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"framescope/server/echo"
	"framescope/server/engineio"
	"framescope/server/websocket"
)

// benchmarkEcho sends batches of 16 messages of 125 bytes to a WebSocket and reads what comes back.
func benchmarkEcho(b *testing.B, handler http.Handler, target, prefix string, packets int) {
	server := httptest.NewServer(handler)
	defer server.Close()
	c, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET "+target+idleHandshake)
	r := bufio.NewReaderSize(c, 64<<10)
	if _, err := http.ReadResponse(r, nil); err != nil {
		b.Fatal(err)
	}
	for range packets {
		head, err := r.Peek(2)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.Discard(2 + int(head[1])); err != nil {
			b.Fatal(err)
		}
	}
	const messages, size = 16, 125
	batch := strings.Repeat("\x81\xfd\x00\x00\x00\x00"+prefix+strings.Repeat("x", size-len(prefix)), messages)
	b.ReportAllocs()
	for n := 0; n < b.N; n += messages {
		io.WriteString(c, batch)
		if _, err := r.Discard(messages * (2 + size)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEchoPlain(b *testing.B) {
	sockets := &websocket.Server{}
	defer sockets.Shutdown(b.Context())
	benchmarkEcho(b, &echo.Handler{Server: sockets, Log: slog.New(slog.DiscardHandler)}, "/", "", 0)
}

func BenchmarkEchoEngineIO(b *testing.B) {
	engine := engineio.New(engineio.Options{Open: engineio.Echo, Log: slog.New(slog.DiscardHandler)})
	defer engine.Shutdown(b.Context())
	benchmarkEcho(b, engine, "/?EIO=4&transport=websocket", "4", 1)
}
