// What a message and an idle WebSocket cost over HTTP/2, beside HTTP/1.1.

package websocket_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	"golang.org/x/net/http2"

	"framescope/server/websocket"
)

// BenchmarkTransports is the echo of one connection after the other, client and server in this
// process: each message alone, and sixteen at a time.
func BenchmarkTransports(b *testing.B) {
	h, _ := echoOver(&websocket.Server{}, &websocket.AcceptOptions{NoCompression: true})
	plain := httptest.NewServer(h)
	defer plain.Close()
	secure := http2Server(b, h)
	insecure := &tls.Config{InsecureSkipVerify: true}
	for _, size := range []int{125, 4 << 10, 64 << 10} {
		for _, batch := range []int{1, 16} {
			for _, transport := range []struct {
				name   string
				server *httptest.Server
				o      websocket.DialOptions
			}{
				{"HTTP/1.1", plain, websocket.DialOptions{}},
				{"TLS", secure, websocket.DialOptions{TLS: insecure}},
				{"HTTP2", secure, websocket.DialOptions{TLS: insecure, HTTP2: new(websocket.HTTP2)}},
			} {
				b.Run(fmt.Sprintf("%dB/%d/%s", size, batch, transport.name), func(b *testing.B) {
					c, _, err := websocket.Dial(context.Background(), socketURL(transport.server), &transport.o)
					if err != nil {
						b.Fatal(err)
					}
					defer c.CloseNow()
					message := make([]byte, size)
					b.SetBytes(int64(size))
					for i := 0; i < b.N; i += batch {
						for range batch {
							if err := c.WriteMessage(websocket.Binary, message); err != nil {
								b.Fatal(err)
							}
						}
						for range batch {
							if _, _, err := c.NextMessage(); err != nil {
								b.Fatal(err)
							}
						}
					}
				})
			}
		}
	}
}

// BenchmarkIdleStreams measures the memory that an idle WebSocket takes in the server, over HTTP/2
// with 250 streams on a connection: heap and stacks, after a garbage collection.
func BenchmarkIdleStreams(b *testing.B) {
	const perConnection = 250
	var server websocket.Server
	s := http2Server(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = server.Handle(w, r, nil, func(c *websocket.Conn) { _, _, _ = c.NextMessage() })
	}))
	block := connectBlock(s.Listener.Addr().String())
	for b.Loop() {
		before := inUse()
		const conns = 8
		for range conns {
			nc, err := tls.Dial("tcp", s.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
			if err != nil {
				b.Fatal(err)
			}
			defer nc.Close()
			_, _ = nc.Write([]byte(http2.ClientPreface))
			f := http2.NewFramer(nc, nc)
			_ = f.WriteSettings()
			for i := range perConnection {
				_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: uint32(2*i + 1), BlockFragment: block, EndHeaders: true})
			}
			for answers := 0; answers < perConnection; {
				frame, err := f.ReadFrame()
				if err != nil {
					b.Fatal(err)
				}
				if frame.Header().Type == http2.FrameHeaders {
					answers++
				}
			}
		}
		b.ReportMetric(float64(inUse()-before)/(conns*perConnection), "B/stream")
	}
}

func inUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
