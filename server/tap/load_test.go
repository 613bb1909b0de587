// What watchers cost when very many connections are open: the latency of others, memory,
// and the throughput of a flood.

package tap_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"framescope/protocol"
	"framescope/server/tap"
	"framescope/server/watch"
	"framescope/server/websocket"
)

// crowd opens n connections on which nothing happens any more, each with heads of so many
// bytes together.
func crowd(tb testing.TB, frames *tap.Tap, n, heads int) (conns []net.Conn) {
	tb.Helper()
	answer := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
	server := &http.Server{Handler: frames.Handler(1<<20, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(r.Context().Value(connUnderTest{}).(net.Conn), answer)
	}))}
	tap.Attach(server)
	cookie := strings.Repeat("c", heads-len(request)-len(answer)-len("Cookie: \r\n"))
	head := strings.Replace(request, "\r\n\r\n", "\r\nCookie: "+cookie+"\r\n\r\n", 1)
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head)))
	if err != nil {
		tb.Fatal(err)
	}
	for range n {
		nc, _ := frames.Listener(&oneListener{nc: sink{}}).Accept()
		nc.(*tap.Conn).Received([]byte(head), nil)
		ctx := context.WithValue(server.ConnContext(tb.Context(), nc), connUnderTest{}, nc)
		server.Handler.ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx))
		conns = append(conns, nc)
	}
	return conns
}

type connUnderTest struct{}

// watched serves an echo and the feed of a tap.
func watched(tb testing.TB, frames *tap.Tap) (host string) {
	tb.Helper()
	sockets := &websocket.Server{}
	mux := http.NewServeMux()
	mux.Handle("/echo", frames.Handler(1<<20, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = sockets.Handle(w, r, nil, func(c *websocket.Conn) {
			for {
				op, p, err := c.NextMessage()
				if err != nil || c.WriteMessage(op, p) != nil {
					return
				}
			}
		})
	})))
	mux.Handle("/inspect", tap.Ignore(&watch.Handler{Tap: frames, Server: sockets, Log: slog.New(slog.DiscardHandler)}))
	server := httptest.NewUnstartedServer(mux)
	server.Listener = frames.Listener(server.Listener)
	tap.Attach(server.Config)
	server.Start()
	tb.Cleanup(func() {
		sockets.Shutdown(tb.Context())
		server.Close()
	})
	return strings.TrimPrefix(server.URL, "http://")
}

// turnOver fills a history with frames, so that nothing else is left in it.
func turnOver(frames *tap.Tap, history int) {
	c := frames.Wrap(sink{}, protocol.Client)
	defer c.Close()
	chunk := bytes.Repeat(append([]byte{0x82, 125}, make([]byte, 125)...), 16)
	for sent := 0; sent < history; sent += len(chunk) {
		c.Write(chunk)
	}
}

// dial opens a WebSocket by hand.
func dial(tb testing.TB, host, path, more string) (net.Conn, *bufio.Reader) {
	tb.Helper()
	nc, err := net.Dial("tcp", host)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { nc.Close() })
	r := bufio.NewReaderSize(nc, 64<<10)
	upgrade(tb, nc, r, host, path, more)
	return nc, r
}

func upgrade(tb testing.TB, nc net.Conn, r *bufio.Reader, host, path, more string) {
	tb.Helper()
	shake := strings.Replace(strings.Replace(request, "/echo", path, 1), "%h", host, 1)
	io.WriteString(nc, strings.Replace(shake, "\r\n\r\n", "\r\n"+more+"\r\n", 1))
	response, err := http.ReadResponse(r, nil)
	if err != nil || response.StatusCode != 101 {
		tb.Errorf("%s: %v %v", path, response, err)
	}
}

// readBatches reads batches until the connection ends, each answered with a credit,
// and reports how large the largest was.
func readBatches(nc net.Conn, r *bufio.Reader, came func(bytes int)) {
	for {
		var b []byte
		var n int
		var length uint64
		for size := 2; n == 0; size++ {
			var err error
			if b, err = r.Peek(size); err != nil {
				return
			}
			n, length = protocol.ScanHeader(b)
		}
		if _, err := io.CopyN(io.Discard, r, int64(n)+int64(length)); err != nil {
			return
		}
		came(int(length))
		io.WriteString(nc, "\x81\x81\x00\x00\x00\x001")
	}
}

// BenchmarkWatchersOpen reports what a client of the echo waits, while 32 pages open a
// feed at once and 18,000 connections with heads of 3.7 KiB are open, and how much memory
// the process takes: before they open, and at most.
func BenchmarkWatchersOpen(b *testing.B) {
	frames := tap.New(tap.Options{Snap: 64 << 10, History: 64 << 20})
	conns := crowd(b, frames, 18_000, 3700)
	host := watched(b, frames)
	turnOver(frames, 64<<20)
	debug.FreeOSMemory()
	before := resident(b, "VmRSS")
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		b.Log(err)
	}
	nc, r := dial(b, host, "/echo", "")
	frame := append([]byte("\x82\xfd\x00\x00\x00\x00"), make([]byte, 125)...)
	back := make([]byte, 127)
	var waits []time.Duration
	var watchers sync.WaitGroup
	var mu sync.Mutex
	largest, total := 0, 0
	var feeds []net.Conn
	open := make(chan struct{})
	for range tap.MaxWatchers {
		feed, err := net.Dial("tcp", host)
		if err != nil {
			b.Fatal(err)
		}
		feeds = append(feeds, feed)
		watchers.Go(func() {
			r := bufio.NewReaderSize(feed, 64<<10)
			<-open
			upgrade(b, feed, r, host, "/inspect", "Sec-WebSocket-Protocol: framescope.v1\r\n")
			readBatches(feed, r, func(bytes int) {
				mu.Lock()
				largest, total = max(largest, bytes), total+bytes
				mu.Unlock()
			})
		})
	}
	const alone, all = 100, 500 // messages before the pages open, and in all
	// A message leaves every 10 ms, whether those before were answered or not.
	begun := time.Now()
	due := func(i int) time.Time { return begun.Add(time.Duration(i) * 10 * time.Millisecond) }
	go func() {
		for i := range all {
			time.Sleep(time.Until(due(i)))
			nc.Write(frame)
			if i == alone {
				close(open)
			}
		}
	}()
	for i := range all {
		if _, err := io.ReadFull(r, back); err != nil {
			b.Fatal(err)
		}
		waits = append(waits, time.Since(due(i)))
	}
	peak := resident(b, "VmHWM")
	for _, feed := range feeds {
		feed.Close()
	}
	watchers.Wait()
	for _, c := range conns {
		c.Close()
	}
	b.ReportMetric(0, "ns/op")
	report := func(name string, waits []time.Duration) {
		slices.Sort(waits)
		b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds())/1000, "ms-p99"+name)
		b.ReportMetric(float64(waits[len(waits)-1].Microseconds())/1000, "ms-longest"+name)
	}
	report("-alone", waits[:alone])
	report("", waits[alone:])
	b.ReportMetric(before, "MiB-before")
	b.ReportMetric(peak, "MiB-peak")
	b.ReportMetric(float64(largest)/1024, "KiB-largest-batch")
	b.ReportMetric(float64(total)/(1<<20), "MiB-told")
}

// resident is how much memory the process takes, in MiB, where the system tells.
func resident(b *testing.B, what string) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), what+":")
	var kib float64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		b.Fatal(err)
	}
	return kib / 1024
}

// BenchmarkFlood reports how much passes a tap in a second, in frames of 16 KiB, while
// 18,000 connections are open, handshakes come, and slow watchers are overtaken all the
// time.
func BenchmarkFlood(b *testing.B) {
	for _, slow := range []int{0, 8} {
		b.Run(fmt.Sprint("watchers=", slow), func(b *testing.B) {
			frames := tap.New(tap.Options{Snap: 64 << 10, History: 64 << 20})
			conns := crowd(b, frames, 18_000, 3700)
			turnOver(frames, 64<<20)
			ctx, cancel := context.WithCancel(b.Context())
			var watchers sync.WaitGroup
			for range slow {
				w, err := frames.Watch(nil, 0)
				if err != nil {
					b.Fatal(err)
				}
				watchers.Go(func() {
					defer w.Close()
					for {
						if _, err := w.Next(ctx); err != nil {
							return
						}
						time.Sleep(5 * time.Millisecond)
					}
				})
			}
			c := frames.Wrap(sink{}, protocol.Client)
			frame := append(protocol.AppendHeader(nil, protocol.Header{Fin: true, Opcode: protocol.OpBinary, PayloadLength: 16 << 10}), make([]byte, 16<<10)...)
			b.SetBytes(int64(len(frame)))
			n := 0
			for b.Loop() {
				if c.Write(frame); n%1000 == 0 {
					frames.Wrap(sink{}, protocol.Client).Close()
				}
				n++
			}
			b.StopTimer()
			cancel()
			watchers.Wait()
			for _, c := range conns {
				c.Close()
			}
		})
	}
}
