// The tap under real servers and peers: what it records is what was sent.

package tap_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	gorilla "github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"framescope/protocol"
	"framescope/protocol/feed"
	"framescope/server/tap"
	"framescope/server/websocket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tapped starts an echo server of ours under a tap.
func tapped(t *testing.T, o tap.Options, change ...func(*http.Server)) (*tap.Tap, string) {
	t.Helper()
	frames := tap.New(o)
	sockets := &websocket.Server{}
	mux := http.NewServeMux()
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := sockets.Accept(w, r, nil)
		for err == nil {
			var op protocol.Opcode
			var p []byte
			if op, p, err = c.ReadMessage(); err == nil {
				err = c.WriteMessage(op, p)
			}
		}
	})
	mux.HandleFunc("/plain", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "plain") })
	mux.Handle("/refused", frames.Handler(1<<20, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x01x"+strings.Repeat("not you", 2000), http.StatusForbidden)
	})))
	mux.Handle("/echo", frames.Handler(1<<20, echo))
	mux.Handle("/ignored", tap.Ignore(echo))
	mux.Handle("/hinted", frames.Handler(1<<20, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		echo.ServeHTTP(w, r)
	})))
	mux.Handle("/shy", tap.Ignore(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "not you", http.StatusForbidden)
	})))
	mux.Handle("/any", frames.Handler(1<<20, http.HandlerFunc(acceptAnything)))
	server := httptest.NewUnstartedServer(mux)
	server.Listener = frames.Listener(server.Listener)
	for _, f := range change {
		f(server.Config)
	}
	tap.Attach(server.Config)
	server.Start()
	t.Cleanup(server.Close)
	return frames, strings.TrimPrefix(server.URL, "http://")
}

// acceptAnything switches protocols whatever the request says, sends a frame with the same
// write, and reads until the end.
func acceptAnything(w http.ResponseWriter, r *http.Request) {
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer nc.Close()
	io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x8a\x00")
	io.Copy(io.Discard, rw)
}

// collector reads a feed until it has what is asked for.
type collector struct {
	t       *testing.T
	watcher *tap.Watcher
	records []feed.Record
}

func collect(t *testing.T, frames *tap.Tap) *collector {
	t.Helper()
	w, err := frames.Watch(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return &collector{t: t, watcher: w}
}

// until reads until it gets a record for which found is true.
func (c *collector) until(found func(feed.Record) bool) {
	c.t.Helper()
	for {
		batch, err := c.watcher.Next(c.t.Context())
		if err != nil {
			c.t.Fatal(err)
		}
		hit := false
		batch = bytes.Clone(batch)
		for len(batch) > 0 {
			r, n, err := feed.Parse(batch)
			if err != nil || n == 0 {
				c.t.Fatalf("batch broken: %v", err)
			}
			came := []feed.Record{r}
			if r.Kind == feed.Run {
				came = slices.Collect(r.Frames())
			}
			c.records = append(c.records, came...)
			hit = hit || slices.ContainsFunc(came, found)
			batch = batch[n:]
		}
		if hit {
			return
		}
	}
}

func closed(r feed.Record) bool { return r.Kind == feed.Closed }

// of filters the records; frames of one side of one connection, say.
func (c *collector) of(kind feed.Kind, side protocol.Side) (records []feed.Record) {
	for _, r := range c.records {
		if r.Kind == kind && r.Side == side {
			records = append(records, r)
		}
	}
	return records
}

func TestRecordsWhatGorillaSends(t *testing.T) {
	frames, host := tapped(t, tap.Options{Snap: 1 << 20, History: 64 << 20})
	c, _, err := gorilla.DefaultDialer.Dial("ws://"+host+"/echo?x=1", http.Header{"X-Test": {"yes"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var sent []string
	for _, n := range []int{0, 1, 125, 126, 65535, 65536, 300000} {
		sent = append(sent, strings.Repeat("z", n))
		if err := c.WriteMessage(gorilla.TextMessage, []byte(sent[len(sent)-1])); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.ReadMessage(); err != nil {
			t.Fatal(err)
		}
	}
	c.WriteMessage(gorilla.CloseMessage, gorilla.FormatCloseMessage(1000, "bye"))
	c.ReadMessage()
	c.Close()
	all := collect(t, frames)
	all.until(closed)
	if heads := all.of(feed.Head, protocol.Client); len(heads) == 0 || !bytes.HasPrefix(heads[0].Data, []byte("GET /echo?x=1 HTTP/1.1\r\n")) || !bytes.Contains(heads[0].Data, []byte("X-Test: yes\r\n")) {
		t.Errorf("request heads: %v", heads)
	}
	if heads := all.of(feed.Head, protocol.Server); len(heads) == 0 || !bytes.HasPrefix(heads[0].Data, []byte("HTTP/1.1 101 ")) {
		t.Errorf("response heads: %v", heads)
	}
	for _, side := range []protocol.Side{protocol.Client, protocol.Server} {
		got := reassemble(t, side, all.of(feed.Frame, side))
		if len(got) != len(sent) {
			t.Fatalf("%v: %d messages recorded, %d sent", side, len(got), len(sent))
		}
		for i := range sent {
			if got[i] != sent[i] {
				t.Errorf("%v: message %d has %d bytes, %d were sent", side, i, len(got[i]), len(sent[i]))
			}
		}
	}
}

// reassemble decodes the recorded frames as one stream.
func reassemble(t *testing.T, side protocol.Side, records []feed.Record) (messages []string) {
	t.Helper()
	d := protocol.Decoder{From: side}
	for _, r := range records {
		b := bytes.Clone(r.Data)
		for len(b) > 0 {
			ev, n := d.Next(b)
			if n == 0 || ev.Broken != 0 {
				t.Fatalf("record % x is no frame", r.Data[:min(20, len(r.Data))])
			}
			if h := d.Header(); !h.Opcode.Control() {
				if ev.Start && h.Opcode != protocol.OpContinuation {
					messages = append(messages, "")
				}
				messages[len(messages)-1] += string(ev.Data)
			}
			b = b[n:]
		}
	}
	return messages
}

// talk sends n messages of the given size through a tapped connection whose
// other end reads them.
func talk(t testing.TB, frames *tap.Tap, send func(write func(payload []byte))) {
	t.Helper()
	host := make(chan net.Conn, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, _ := l.Accept()
		host <- c
	}()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	peer := <-host
	done := make(chan struct{})
	go func() {
		io.Copy(io.Discard, peer)
		peer.Close()
		close(done)
	}()
	c := frames.Wrap(nc, protocol.Server)
	send(func(p []byte) {
		h := protocol.Header{Fin: true, Opcode: protocol.OpBinary, Masked: true, PayloadLength: uint64(len(p))}
		if _, err := c.Write(append(protocol.AppendHeader(nil, h), p...)); err != nil {
			t.Fatal(err)
		}
	})
	c.Close()
	<-done
}

// sink is a net.Conn that takes everything.
type sink struct{ net.Conn }

func (sink) Write(b []byte) (int, error) { return len(b), nil }
func (sink) Close() error                { return nil }
func (sink) RemoteAddr() net.Addr        { return &net.TCPAddr{} }
