// What all connections keep together: bounded, and given up by the largest and idlest.

package websocket_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/flate"

	"framescope/protocol"
	"framescope/server/memory"
	"framescope/server/websocket"
)

// budgeted is an echo server whose connections share a budget.
func budgeted(t *testing.T, limit int64, o websocket.Options) (url string, b *memory.Budget) {
	t.Helper()
	b = memory.NewBudget(limit, slog.New(slog.DiscardHandler))
	o.Memory = b
	s := &websocket.Server{Options: o}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.Handle(w, r, nil, echo) }))
	t.Cleanup(h.Close)
	t.Cleanup(func() {
		s.Shutdown(t.Context())
		waitFor(t, "nothing to be counted when all have gone", func() bool { return b.Used() == 0 })
	})
	return "ws" + strings.TrimPrefix(h.URL, "http"), b
}

const offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n"

// bomb is a fragment of a compressed message, which is not the last, and inflates to n zeros.
func bomb(t *testing.T, n int) []byte {
	t.Helper()
	var small bytes.Buffer
	w, err := flate.NewWriter(&small, 9)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(make([]byte, n))
	w.Flush()
	frame := masked(protocol.OpBinary, false, small.String())
	frame[0] |= protocol.RSV1 << 4
	return frame
}

// closedWith reads until the connection ends and returns the close code, if one came.
func closedWith(nc net.Conn) (code protocol.CloseCode) {
	wire, _ := io.ReadAll(nc)
	d := protocol.Decoder{From: protocol.Server}
	for len(wire) > 0 {
		ev, n := d.Next(wire)
		if n == 0 {
			break
		}
		if d.Header().Opcode == protocol.OpClose {
			code, _, _ = protocol.ParseClosePayload(ev.Data)
		}
		wire = wire[n:]
	}
	return code
}

func TestBombsThatNeverEndAreBoundedTogether(t *testing.T) {
	const limit, peers = 32 << 20, 24
	url, b := budgeted(t, limit, websocket.Options{MessageTimeout: time.Hour})
	fragment := bomb(t, 8<<20)
	var most atomic.Int64
	stop := make(chan struct{})
	var watching, attacking sync.WaitGroup
	watching.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				most.Store(max(most.Load(), b.Used()))
			}
		}
	})
	var codes sync.Map
	for range peers {
		nc, _ := rawDialWith(t, url, offer)
		attacking.Go(func() {
			nc.Write(fragment)
			codes.Store(closedWith(nc), true)
		})
	}
	// Somebody else is served meanwhile.
	good, _, err := websocket.Dial(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer good.CloseNow()
	for range 20 {
		want := strings.Repeat("served ", 1000)
		if err := good.WriteMessage(protocol.OpText, []byte(want)); err != nil {
			t.Fatal(err)
		}
		reads(t, good, want)
	}
	good.Close(protocol.CloseNormal, "")
	gone := make(chan struct{})
	go func() { attacking.Wait(); close(gone) }()
	select {
	case <-gone:
		t.Error("all had to go, though some fit")
	case <-time.After(2 * time.Second):
	}
	close(stop)
	watching.Wait()
	// Each that was let in may pass the limit by one step, of which as many run as there are
	// processors.
	if most := most.Load(); most > 2*limit || most < limit/2 {
		t.Errorf("%d MiB were kept, of %d", most>>20, limit>>20)
	}
	for code := range codes.Range {
		if code != protocol.CloseTryAgainLater && code != protocol.CloseMessageTooBig {
			t.Errorf("closed with %v", code)
		}
	}
}

func TestMessageLargerThanItsShare(t *testing.T) {
	url, _ := budgeted(t, 1<<20, websocket.Options{})
	nc, _ := rawDial(t, url)
	frame := masked(protocol.OpBinary, true, strings.Repeat("x", 4<<20))
	go nc.Write(frame[:3<<20])
	if code := closedWith(nc); code != protocol.CloseMessageTooBig {
		t.Errorf("closed with %v", code)
	}
}

func TestIdlePeersGoWithTryAgainLater(t *testing.T) {
	url, _ := budgeted(t, 1<<20, websocket.Options{})
	idle := make([]net.Conn, 60)
	for i := range idle {
		idle[i], _ = rawDial(t, url)
		idle[i].Write(masked(protocol.OpBinary, false, strings.Repeat("x", 32<<10)))
	}
	ended := make(chan protocol.CloseCode)
	for _, nc := range idle {
		go func() { ended <- closedWith(nc) }()
	}
	for range 10 {
		// Several fit, and stay: no more than these are sure to go.
		if code := <-ended; code != protocol.CloseTryAgainLater {
			t.Errorf("closed with %v", code)
		}
	}
	for _, nc := range idle {
		nc.Close()
	}
	for range len(idle) - 10 {
		<-ended
	}
}

// What a client's context takes counts while it is idle.
func TestContextsCount(t *testing.T) {
	url, b := budgeted(t, 1<<30, websocket.Options{})
	o := &websocket.DialOptions{}
	o.Compression.ContextTakeover = true
	c, _, err := websocket.Dial(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("words and more words, ", 4000)
	for range 3 {
		if err := c.WriteMessage(protocol.OpText, []byte(long)); err != nil {
			t.Fatal(err)
		}
		reads(t, c, long)
	}
	// The message goes when the server reads on.
	waitFor(t, "the message to go", func() bool { return b.Used() <= 80<<10 })
	if used := b.Used(); used < 32<<10 {
		t.Errorf("%d bytes are counted", used)
	}
	c.Close(protocol.CloseNormal, "")
}

func TestQueuesCount(t *testing.T) {
	b := memory.NewBudget(1<<30, slog.New(slog.DiscardHandler))
	o := plain
	o.Memory, o.SendQueue = b, 64<<20
	var slow []*websocket.Conn
	for range 3 {
		_, server := rawPeer(t, o)
		slow = append(slow, server)
	}
	m := prepared(protocol.OpBinary, make([]byte, 1<<20))
	for _, c := range slow {
		for range 20 { // more than sockets take
			if err := c.Send(m); err != nil {
				t.Fatal(err)
			}
		}
	}
	// The message counts once, however many wait for it; a write that waits keeps buffers.
	waitFor(t, "writes to wait", func() bool { return b.Used() > 1<<20+3*(128<<10) })
	if used := b.Used(); used > 1<<20+3*(128<<10+4<<10)+4<<10 {
		t.Errorf("%d bytes are counted", used)
	}
	for _, c := range slow {
		c.CloseNow()
	}
	waitFor(t, "nothing to be counted", func() bool { return b.Used() == 0 })
}

// Stalled receivers of different messages go when all their queues are too much.
func TestStalledReceiversGo(t *testing.T) {
	b := memory.NewBudget(16<<20, slog.New(slog.DiscardHandler))
	o := plain
	o.Memory, o.SendQueue, o.WriteTimeout = b, 64<<20, time.Hour
	var receivers []*websocket.Conn
	for range 8 {
		_, server := rawPeer(t, o)
		receivers = append(receivers, server)
		for range 10 {
			if server.Send(prepared(protocol.OpBinary, make([]byte, 1<<20))) != nil {
				break
			}
		}
		waitFor(t, "memory to be released", func() bool { return b.Used() <= 32<<20 })
	}
	waitFor(t, "one to go", func() bool {
		return slices.ContainsFunc(receivers, func(c *websocket.Conn) bool {
			return errors.Is(c.Err(), memory.ErrFull) || errors.Is(c.Err(), memory.ErrTooLarge)
		})
	})
}

func TestSlowMessageIsClosed(t *testing.T) {
	url, ended := echoServer(t, websocket.Options{MessageTimeout: 200 * time.Millisecond, IdleTimeout: 20 * time.Millisecond, PongTimeout: time.Minute})
	nc, r := rawDial(t, url)
	nc.Write(masked(protocol.OpText, false, "be"))
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			nc.Write(masked(protocol.OpContinuation, false, "g"))
			nc.Write(masked(protocol.OpPong, true, ""))
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	if _, code := readAll(t, r); code != protocol.ClosePolicy {
		t.Errorf("closed with %v", code)
	}
	nc.Close()
	if err := <-ended; !errors.Is(err, websocket.ErrSlowMessage) {
		t.Error(err)
	}
}

// waitFor waits until something holds.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for ends := time.Now().Add(10 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(ends) {
			t.Fatalf("waited too long for %s", what)
		}
	}
}
