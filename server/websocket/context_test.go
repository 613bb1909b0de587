// Reading and writing under a context: what a cancellation leaves, and how it goes together
// with deadlines.

package websocket_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

// piped is a server's connection over a pipe, on which a write returns when it is read.
func piped(t *testing.T, o websocket.Options) (nc net.Conn, c *websocket.Conn) {
	t.Helper()
	near, far := net.Pipe()
	far.SetDeadline(timeLimit())
	c = websocket.NewConn(near, websocket.ServerSide, nil, o)
	t.Cleanup(func() { c.CloseNow(); far.Close() })
	return far, c
}

var errEnough = errors.New("enough")

// result is what a read came to.
type result struct {
	payload string
	err     error
}

func reading(ctx context.Context, c *websocket.Conn) <-chan result {
	results := make(chan result, 1)
	go func() {
		_, p, err := c.Read(ctx)
		results <- result{string(p), err}
	}()
	return results
}

func TestReadIsCancelled(t *testing.T) {
	nc, c := piped(t, plain)
	for name, came := range map[string][]byte{
		"between messages":  nil,
		"inside a header":   masked(protocol.OpText, true, "hello")[:3],
		"inside a frame":    masked(protocol.OpText, true, "hello")[:8],
		"between fragments": masked(protocol.OpText, false, "hel"),
		"inside a long one": masked(protocol.OpBinary, true, strings.Repeat("x", 100_000))[:50_000],
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		got := reading(ctx, c)
		nc.Write(came)
		cancel(errEnough)
		if r := <-got; !errors.Is(r.err, context.Canceled) || !errors.Is(r.err, errEnough) || r.payload != "" {
			t.Fatalf("%s: %v", name, r)
		}
		got = reading(t.Context(), c)
		whole := masked(protocol.OpText, true, "hello")
		switch name {
		case "between fragments":
			nc.Write(masked(protocol.OpContinuation, true, "lo"))
		case "inside a long one":
			nc.Write(masked(protocol.OpBinary, true, strings.Repeat("x", 100_000))[50_000:])
		default:
			nc.Write(whole[len(came):])
		}
		if r := <-got; r.err != nil || r.payload != "hello" && len(r.payload) != 100_000 {
			t.Fatalf("%s: the next read: %.20q, %v", name, r.payload, r.err)
		}
	}
}

func TestReadUnderAContextThatIsDone(t *testing.T) {
	nc, c := piped(t, plain)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if r := <-reading(ctx, c); !errors.Is(r.err, context.DeadlineExceeded) || c.Err() != nil {
		t.Errorf("read: %v", r)
	}
	if err := c.Write(ctx, websocket.Text, nil); !errors.Is(err, context.DeadlineExceeded) || c.Err() != nil {
		t.Errorf("write: %v", err)
	}
	if err := c.Ping(ctx); !errors.Is(err, context.DeadlineExceeded) || c.Err() != nil {
		t.Errorf("ping: %v", err)
	}
	got := reading(t.Context(), c)
	nc.Write(masked(protocol.OpText, true, "hello"))
	if r := <-got; r.payload != "hello" || r.err != nil {
		t.Errorf("the next read: %v", r)
	}
}

func TestReadContextAndDeadline(t *testing.T) {
	nc, c := piped(t, plain)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	// The deadline comes first.
	c.SetReadDeadline(time.Now().Add(-time.Second))
	if r := <-reading(ctx, c); !errors.Is(r.err, os.ErrDeadlineExceeded) || errors.Is(r.err, context.Canceled) {
		t.Errorf("at the deadline: %v", r)
	}
	// The context comes first, and the deadline stays.
	c.SetReadDeadline(time.Now().Add(time.Hour))
	got := reading(ctx, c)
	cancel()
	if r := <-got; !errors.Is(r.err, context.Canceled) || errors.Is(r.err, os.ErrDeadlineExceeded) {
		t.Errorf("when it is cancelled: %v", r)
	}
	// A deadline that is set while a context is done counts for the next read.
	got = reading(t.Context(), c)
	c.SetReadDeadline(time.Now().Add(-time.Second))
	if r := <-got; !errors.Is(r.err, os.ErrDeadlineExceeded) {
		t.Errorf("at the next deadline: %v", r)
	}
	c.SetReadDeadline(time.Time{})
	got = reading(t.Context(), c)
	nc.Write(masked(protocol.OpText, true, "hello"))
	if r := <-got; r.payload != "hello" || r.err != nil {
		t.Errorf("the next read: %v", r)
	}
}

// However deadlines and cancellations coincide, each read ends in time and nothing is lost.
func TestReadContextsAndDeadlinesMeet(t *testing.T) {
	nc, c := rawPeer(t, plain)
	const rounds = 600
	sent, came := 0, 0
	for i := range rounds {
		ctx, cancel := context.WithCancel(t.Context())
		got := reading(ctx, c)
		var meanwhile sync.WaitGroup
		meanwhile.Go(func() {
			c.SetReadDeadline([]time.Time{{}, time.Now().Add(time.Hour), time.Now().Add(30 * time.Second)}[i%3])
		})
		if i%2 == 0 {
			sent++
			meanwhile.Go(func() { nc.Write(masked(protocol.OpText, true, "x")) })
		}
		meanwhile.Go(cancel)
		within(t, 10*time.Second, "Read", func() {
			if r := <-got; r.err == nil {
				came++
			} else if !errors.Is(r.err, context.Canceled) {
				t.Errorf("round %d: %v", i, r.err)
			}
		})
		meanwhile.Wait()
	}
	for ; came < sent; came++ {
		reads(t, c, "x")
	}
	nc.Write(masked(protocol.OpText, true, "last"))
	reads(t, c, "last")
}

// hookedConn calls hook before its read deadline is set.
type hookedConn struct {
	net.Conn
	hook func(time.Time)
}

func (h *hookedConn) SetReadDeadline(t time.Time) error {
	if h.hook != nil {
		h.hook(t)
	}
	return h.Conn.SetReadDeadline(t)
}

// A deadline that is set while the reader sets the one before counts at once.
func TestReadDeadlineSetMeanwhile(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	h := &hookedConn{Conn: near}
	c := websocket.NewConn(h, websocket.ServerSide, nil, plain)
	defer c.CloseNow()
	later := time.Now().Add(30 * time.Second)
	c.SetReadDeadline(later)
	h.hook = func(at time.Time) {
		if at.Before(later.Add(time.Second)) {
			h.hook = nil
			c.SetReadDeadline(time.Now().Add(-time.Second))
		}
	}
	within(t, 10*time.Second, "ReadMessage", func() {
		if _, _, err := c.ReadMessage(); !errors.Is(err, os.ErrDeadlineExceeded) || h.hook != nil {
			t.Error(err)
		}
	})
}

func TestCloseBoundsAReadUnderAContext(t *testing.T) {
	nc, c := piped(t, plain)
	ctx, cancel := context.WithCancel(t.Context())
	got := reading(ctx, c)
	closed := make(chan error, 1)
	go func() { closed <- c.Close(websocket.CloseNormal, "") }()
	io.ReadFull(nc, make([]byte, 4))
	cancel()
	nc.Write(masked(protocol.OpClose, true, "\x03\xe8"))
	if err := <-closed; err != nil {
		t.Errorf("the close handshake failed: %v", err)
	}
	if r := <-got; websocket.CloseStatus(r.err) != websocket.CloseNormal && !errors.Is(r.err, context.Canceled) {
		t.Errorf("the reader learns %v", r)
	}
}

func TestContextsThatAreNeverDoneCostNothing(t *testing.T) {
	background := context.Background()
	echoAllocates(t, 1, func(c *websocket.Conn) (protocol.Opcode, []byte, error) { return c.Read(background) },
		func(c *websocket.Conn, op protocol.Opcode, p []byte) error { return c.Write(background, op, p) })
}

func TestWriteIsCancelledInsideAFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nc, c := piped(t, patient)
		ctx, cancel := context.WithCancelCause(t.Context())
		written := make(chan error, 1)
		go func() { written <- c.Write(ctx, websocket.Text, []byte("hello")) }()
		io.ReadFull(nc, make([]byte, 1))
		start := time.Now()
		cancel(errEnough)
		err := <-written
		if !errors.Is(err, context.Canceled) || !errors.Is(err, errEnough) || websocket.CloseStatus(err) != websocket.CloseAbnormal {
			t.Errorf("the write returned %v", err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("it returned after %v", took)
		}
		if !errors.Is(err, c.Err()) || c.Err() == nil {
			t.Errorf("the connection ended with %v", c.Err())
		}
	})
}

func TestWriteIsCancelledBeforeItsTurn(t *testing.T) {
	for name, o := range all {
		t.Run(name, func(t *testing.T) {
			client, server := pair(t, o)
			w, err := server.NextWriter(websocket.Text)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			written := make(chan error, 1)
			go func() { written <- server.Write(ctx, websocket.Text, []byte("never sent")) }()
			cancel(errEnough)
			within(t, 5*time.Second, "Write", func() {
				if err := <-written; !errors.Is(err, context.Canceled) || !errors.Is(err, errEnough) {
					t.Error(err)
				}
			})
			io.WriteString(w, "one")
			w.Close()
			reads(t, client, "one")
			if err := server.Write(t.Context(), websocket.Text, []byte("two")); err != nil {
				t.Error(err)
			}
			reads(t, client, "two")
		})
	}
}

// Writes that wait for one which the peer does not take are cancelled at once, and those that are
// not get their turn.
func TestWritesAreCancelledBehindAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nc, c := piped(t, patient)
		write := func(ctx context.Context, text string, results chan<- error) {
			results <- c.Write(ctx, websocket.Text, []byte(text))
		}
		ctx, cancel := context.WithCancel(t.Context())
		first, cancelled, others := make(chan error, 1), make(chan error, 10), make(chan error, 10)
		go write(t.Context(), "first", first)
		io.ReadFull(nc, make([]byte, 1)) // so it is being sent
		for range 10 {
			go write(ctx, "never", cancelled)
			go write(t.Context(), "other", others)
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		for range 10 {
			select {
			case err := <-cancelled:
				if !errors.Is(err, context.Canceled) || websocket.CloseStatus(err) != 0 {
					t.Error(err)
				}
			default:
				t.Fatal("a write that is cancelled waits on")
			}
		}
		if _, err := io.ReadFull(nc, make([]byte, 6)); err != nil { // what remains of the first
			t.Fatal(err)
		}
		for range 10 {
			if op, payload := nextFrame(t, nc); op != websocket.Text || payload != "other" {
				t.Errorf("%v %q was sent", op, payload)
			}
		}
		for _, err := range []error{<-first, <-others} {
			if err != nil {
				t.Error(err)
			}
		}
	})
}

// A message that was compressed with the context of those before cannot be left out any more: if it
// is cancelled while another frame is being sent, the connection ends in its turn.
func TestCompressedWriteIsCancelledBeforeItIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nc, c := piped(t, patient)
		websocket.Agree(c, websocket.Deflate{On: true})
		ctx, cancel := context.WithCancel(t.Context())
		pinged, written := make(chan error, 1), make(chan error, 1)
		go func() { pinged <- c.SendPing(nil) }()
		io.ReadFull(nc, make([]byte, 1)) // so it is being sent
		go func() { written <- c.Write(ctx, websocket.Text, []byte(strings.Repeat("x", 1000))) }()
		synctest.Wait()
		cancel()
		synctest.Wait()
		if c.Err() != nil {
			t.Fatalf("the connection ended before the ping was sent: %v", c.Err())
		}
		io.ReadFull(nc, make([]byte, 1))
		if err := <-pinged; err != nil {
			t.Error(err)
		}
		if err := <-written; !errors.Is(err, context.Canceled) || websocket.CloseStatus(err) != websocket.CloseAbnormal || c.Err() == nil {
			t.Errorf("the write returned %v, the connection ended with %v", err, c.Err())
		}
	})
}

// When the close handshake ends a read, the error says so, although the context is done as well.
func TestCloseErrorComesBeforeTheContext(t *testing.T) {
	o := plain
	o.CloseTimeout = 20 * time.Millisecond
	nc, c := piped(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	got := reading(ctx, c)
	nc.Write(masked(protocol.OpText, true, "never whole")[:3]) // so it reads
	go c.Close(websocket.CloseNormal, "")
	io.ReadFull(nc, make([]byte, 4)) // and no answer
	cancel()
	if r := <-got; websocket.CloseStatus(r.err) != websocket.CloseAbnormal {
		t.Errorf("the read returned %v", r.err)
	}
	<-c.Done()
}

// A message that is compressed with the context of those before is sent or ends the connection:
// the peer could not read the next without it.
func TestWriteInContextIsCancelled(t *testing.T) {
	o := websocket.Options{Compression: websocket.Compression{Threshold: 1, ContextTakeover: true}}
	client, server := pair(t, o)
	got := make(chan string, 100)
	go func() {
		defer close(got)
		for {
			_, p, err := client.ReadMessage()
			if err != nil {
				return
			}
			got <- string(p)
		}
	}()
	text := []byte(strings.Repeat("much the same ", 1000))
	for i := range 100 {
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		err := server.Write(ctx, websocket.Text, text)
		switch {
		case err == nil:
			if p := <-got; p != string(text) {
				t.Fatalf("message %d came as %.30q", i, p)
			}
		case !errors.Is(err, context.Canceled):
			t.Fatal(err)
		case server.Err() != nil:
			return // inside a frame
		}
	}
}
