// What a message costs, over real sockets between our server and our client: time,
// and no allocation.

package websocket_test

import (
	"io"
	"strings"
	"testing"

	"framescope/protocol"
	"framescope/server/websocket"
)

// echo answers on c until it ends.
func echo(c *websocket.Conn) {
	for {
		op, p, err := c.NextMessage()
		if err != nil || c.WriteMessage(op, p) != nil {
			return
		}
	}
}

func BenchmarkEcho(b *testing.B) {
	takeover := websocket.Options{Compression: websocket.Compression{ContextTakeover: true}}
	for _, bench := range []struct {
		name    string
		options websocket.Options
		op      protocol.Opcode
		payload string
		flight  int
	}{
		{"125B", plain, protocol.OpBinary, strings.Repeat("x", 125), 1},
		{"125B/16", plain, protocol.OpBinary, strings.Repeat("x", 125), 16},
		{"text-1KiB/16", plain, protocol.OpText, strings.Repeat("bits 位 ", 114), 16},
		{"16KiB", plain, protocol.OpBinary, strings.Repeat("x", 16<<10), 1},
		{"1MiB", plain, protocol.OpBinary, strings.Repeat("x", 1<<20), 1},
		{"deflate-1KiB", websocket.Options{}, protocol.OpText, compressible(1 << 10), 1},
		{"takeover-1KiB", takeover, protocol.OpText, compressible(1 << 10), 1},
	} {
		b.Run(bench.name, func(b *testing.B) {
			client, server := pair(b, bench.options)
			go echo(server)
			payload := []byte(bench.payload)
			b.ReportAllocs()
			b.SetBytes(int64(len(payload)))
			for left := b.N; left > 0; left -= bench.flight {
				n := min(left, bench.flight)
				for range n {
					if err := client.WriteMessage(bench.op, payload); err != nil {
						b.Fatal(err)
					}
				}
				for range n {
					if _, p, err := client.NextMessage(); err != nil || len(p) != len(payload) {
						b.Fatalf("%d bytes, %v", len(p), err)
					}
				}
			}
		})
	}
}

// BenchmarkStream sends messages in parts; each has a reader and a writer made for it.
func BenchmarkStream(b *testing.B) {
	client, server := pair(b, plain)
	const size = 1 << 20
	go func() {
		part := make([]byte, 64<<10)
		for {
			w, err := server.NextWriter(protocol.OpBinary)
			for n := 0; n < size && err == nil; n += len(part) {
				_, err = w.Write(part)
			}
			if err != nil || w.Close() != nil {
				return
			}
		}
	}()
	buffer := make([]byte, 64<<10)
	b.ReportAllocs()
	b.SetBytes(size)
	for b.Loop() {
		_, r, err := client.NextReader()
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = r.Read(buffer)
		}
		if err != io.EOF {
			b.Fatal(err)
		}
	}
}

// BenchmarkFanOut sends one prepared message to a hundred receivers; a delivery is
// one of them.
func BenchmarkFanOut(b *testing.B) {
	const receivers = 100
	var servers []*websocket.Conn
	got := make(chan struct{}, receivers)
	for range receivers {
		client, server := pair(b, plain)
		servers = append(servers, server)
		go func() {
			for {
				if _, _, err := client.NextMessage(); err != nil {
					return
				}
				got <- struct{}{}
			}
		}()
	}
	m := prepared(protocol.OpText, []byte(strings.Repeat("x", 125)))
	b.ReportAllocs()
	for b.Loop() {
		for _, c := range servers {
			if err := c.Send(m); err != nil {
				b.Fatal(err)
			}
		}
		for range servers {
			<-got
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*receivers), "ns/delivery")
}
