// The feed over real sockets: what it refuses, what it sends, and that it stops.

package watch_test

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"framescope/protocol"
	"framescope/protocol/feed"
	"framescope/server/tap"
	"framescope/server/watch"
	"framescope/server/websocket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a feed of a tap through which frames can be pushed.
func serve(t *testing.T, history int64) (frames *tap.Tap, url string) {
	t.Helper()
	frames = tap.New(tap.Options{Snap: 1 << 20, History: history})
	handler := &watch.Handler{Tap: frames, Server: &websocket.Server{}, Log: slog.New(slog.DiscardHandler)}
	server := httptest.NewUnstartedServer(tap.Ignore(handler))
	server.Listener = frames.Listener(server.Listener)
	tap.Attach(server.Config)
	server.Start()
	t.Cleanup(server.Close)
	return frames, "ws" + strings.TrimPrefix(server.URL, "http")
}

func openFeed(t *testing.T, url string) *gorilla.Conn {
	t.Helper()
	d := gorilla.Dialer{Subprotocols: []string{watch.Subprotocol}}
	c, _, err := d.Dial(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	return c
}

func push(frames *tap.Tap, n, size int) {
	c := frames.Wrap(discard{}, protocol.Server)
	frame := protocol.AppendHeader(nil, protocol.Header{Fin: true, Opcode: protocol.OpBinary, Masked: true, PayloadLength: uint64(size)})
	frame = append(frame, make([]byte, size)...)
	for range n {
		c.Write(frame)
	}
	c.Close()
}

// read takes batches, each answered with a credit, until the record is there.
func read(t *testing.T, c *gorilla.Conn, credit bool, until feed.Kind) (records []feed.Record) {
	t.Helper()
	for {
		kind, batch, err := c.ReadMessage()
		if err != nil || kind != gorilla.BinaryMessage {
			t.Fatalf("message of kind %d, %v", kind, err)
		}
		found := false
		for len(batch) > 0 {
			r, n, err := feed.Parse(batch)
			if n == 0 || err != nil {
				t.Fatalf("batch broken: %v", err)
			}
			if r.Kind == feed.Run {
				records = slices.AppendSeq(records, r.Frames())
			} else {
				records = append(records, r)
			}
			found = found || records[len(records)-1].Kind == until
			batch = batch[n:]
		}
		if credit {
			c.WriteMessage(gorilla.TextMessage, []byte("1"))
		}
		if found {
			return records
		}
	}
}

func count(records []feed.Record, kind feed.Kind) (n int) {
	for _, r := range records {
		if r.Kind == kind {
			n++
		}
	}
	return n
}

func TestFeed(t *testing.T) {
	frames, url := serve(t, 64<<20)
	push(frames, 1000, 5000)
	records := read(t, openFeed(t, url), true, feed.Closed)
	if records[0].Kind != feed.Begin || count(records, feed.Frame) != 1000 {
		t.Errorf("begins with kind %d, %d frames", records[0].Kind, count(records, feed.Frame))
	}
	// Live, and its own traffic is no part of it.
	c := openFeed(t, url)
	read(t, c, true, feed.Closed)
	push(frames, 1, 5)
	if records := read(t, c, true, feed.Closed); count(records, feed.Frame) != 1 || count(records, feed.Open) != 1 {
		t.Errorf("live: %+v", records)
	}
}

func TestWindow(t *testing.T) {
	frames, url := serve(t, 64<<20)
	push(frames, 1000, 5000) // 20 batches
	c := openFeed(t, url)
	for range 8 {
		if _, _, err := c.ReadMessage(); err != nil {
			t.Fatal(err)
		}
	}
	// Without credit there is no ninth; a ping is answered all the same.
	pong := make(chan struct{}, 1)
	c.SetPongHandler(func(string) error { pong <- struct{}{}; return io.EOF })
	c.WriteControl(gorilla.PingMessage, nil, time.Now().Add(time.Second))
	if _, _, err := c.ReadMessage(); err == nil {
		t.Error("a ninth batch came without credit")
	}
	<-pong
}

func TestWrongCredit(t *testing.T) {
	_, url := serve(t, 0)
	for _, message := range []string{"x", "-1", "999", "1"} {
		c := openFeed(t, url)
		c.WriteMessage(gorilla.TextMessage, []byte(message))
		c.WriteMessage(gorilla.TextMessage, []byte("9")) // more than can be owed
		for {
			_, _, err := c.ReadMessage()
			if err == nil {
				continue
			}
			if !gorilla.IsCloseError(err, gorilla.ClosePolicyViolation) {
				t.Errorf("%q: %v", message, err)
			}
			break
		}
	}
}

func TestRefusals(t *testing.T) {
	_, url := serve(t, 0)
	dial := func(path string, header http.Header, subprotocols ...string) int {
		d := gorilla.Dialer{Subprotocols: subprotocols}
		c, response, err := d.Dial(url+path, header)
		if err == nil {
			c.Close()
		}
		return response.StatusCode
	}
	for want, got := range map[int]int{
		400: dial("/", nil),
		403: dial("/", http.Header{"Origin": {"http://evil.example"}}, watch.Subprotocol),
		101: dial("/", nil, "other", watch.Subprotocol),
	} {
		if got != want {
			t.Errorf("status %d, want %d", got, want)
		}
	}
	if got := dial("/?capture=zz&after=1", nil, watch.Subprotocol); got != 400 {
		t.Errorf("broken resumption: status %d", got)
	}
}

func TestWatcherThatNeverReadsDelaysNoOthers(t *testing.T) {
	frames, url := serve(t, 1<<20)
	openFeed(t, url)
	push(frames, 5000, 5000)
	if held := frames.Held(); held > 2<<20 {
		t.Errorf("%d bytes held for it", held)
	}
	records := read(t, openFeed(t, url), true, feed.Closed)
	if n := count(records, feed.Frame); n < 100 {
		t.Errorf("another watcher gets %d frames", n)
	}
}

// discard is a net.Conn that takes everything.
type discard struct{ net.Conn }

func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) Close() error                { return nil }
func (discard) RemoteAddr() net.Addr        { return &net.TCPAddr{} }
