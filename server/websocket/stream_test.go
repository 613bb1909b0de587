// Messages in parts, deadlines, and answers that wait for each other.

package websocket_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

// pair is a client connected to a server's connection.
func pair(t testing.TB, o websocket.Options) (client, server *websocket.Conn) {
	t.Helper()
	accepted := make(chan *websocket.Conn, 1)
	s := &websocket.Server{Options: o}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		done := make(chan struct{})
		t.Cleanup(func() { close(done) })
		if err := s.Handle(w, r, nil, func(c *websocket.Conn) {
			accepted <- c
			<-done
		}); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(h.Close)
	client, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(h.URL, "http"), &websocket.DialOptions{Options: o})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseNow)
	return client, <-accepted
}

// plain is without compression.
var plain = websocket.Options{Compression: websocket.Compression{Off: true}}

func TestStreams(t *testing.T) {
	for name, o := range map[string]websocket.Options{
		"plain": plain, "compressed": {}, "context takeover": {Compression: websocket.Compression{ContextTakeover: true}},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := pair(t, o)
			for _, size := range []int{0, 1, 1000, 32 << 10, 32<<10 + 1, 1 << 20} {
				text := strings.Repeat("words and more ", size/15+1)[:size]
				sent := make(chan error, 1)
				go func() {
					w, err := client.NextWriter(protocol.OpText)
					if err == nil {
						_, err = io.Copy(w, strings.NewReader(text))
					}
					if err == nil {
						err = w.Close()
					}
					sent <- err
				}()
				op, r, err := server.NextReader()
				if err != nil || op != protocol.OpText {
					t.Fatalf("%d bytes: opcode %v, %v", size, op, err)
				}
				got, err := io.ReadAll(r)
				if err != nil || string(got) != text {
					t.Fatalf("%d bytes: read %d, %v", size, len(got), err)
				}
				if err := <-sent; err != nil {
					t.Fatal(err)
				}
				if _, err := r.Read(make([]byte, 1)); err != io.EOF {
					t.Errorf("%d bytes: after the end: %v", size, err)
				}
			}
		})
	}
}

func TestStreamLeftUnread(t *testing.T) {
	client, server := pair(t, plain)
	go func() {
		w, _ := client.NextWriter(protocol.OpBinary)
		io.Copy(w, bytes.NewReader(make([]byte, 300_000)))
		w.Close()
		client.WriteMessage(protocol.OpText, []byte("next"))
	}()
	_, r, err := server.NextReader()
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.ReadFull(r, make([]byte, 10)); n != 10 || err != nil {
		t.Fatal(n, err)
	}
	if op, p, err := server.ReadMessage(); op != protocol.OpText || string(p) != "next" || err != nil {
		t.Errorf("after a message left unread: %v %q, %v", op, p, err)
	}
	if _, err := r.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("a reader whose message is over reads on: %v", err)
	}
}

func TestStreamedFrames(t *testing.T) {
	client, server := pair(t, plain)
	go func() {
		w, _ := server.NextWriter(protocol.OpBinary)
		w.Write(make([]byte, 40<<10))
		server.SendPing([]byte("between"))
		w.Write(make([]byte, 40<<10))
		w.Close()
		if _, err := w.Write([]byte("x")); err == nil {
			t.Error("a closed message can be written to")
		}
		if err := w.Close(); err == nil {
			t.Error("a message can be closed twice")
		}
	}()
	op, p, err := client.ReadMessage()
	if op != protocol.OpBinary || len(p) != 80<<10 || err != nil {
		t.Errorf("%v of %d bytes, %v", op, len(p), err)
	}
	if _, err := server.NextWriter(protocol.OpPing); err == nil {
		t.Error("a ping can be streamed")
	}
}

func TestReadDeadline(t *testing.T) {
	client, server := pair(t, plain)
	server.SetReadDeadline(time.Now().Add(-time.Second))
	if _, _, err := server.ReadMessage(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("past its deadline: %v", err)
	}
	if server.Err() != nil {
		t.Fatalf("the connection ended: %v", server.Err())
	}
	// A message of which half has arrived when the deadline passes is read to its end later.
	w, err := client.NextWriter(protocol.OpBinary)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(bytes.Repeat([]byte("a"), 33<<10)) // of which 32 KiB leave
	timedOut := make(chan error, 1)
	server.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	go func() {
		_, _, err := server.ReadMessage()
		timedOut <- err
	}()
	if err := <-timedOut; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("in the middle of a message: %v", err)
	}
	w.Close()
	server.SetReadDeadline(time.Time{})
	if _, p, err := server.ReadMessage(); len(p) != 33<<10 || err != nil {
		t.Errorf("after the deadline was lifted: %d bytes, %v", len(p), err)
	}
	// A reader that waits already is woken.
	go func() {
		_, _, err := server.ReadMessage()
		timedOut <- err
	}()
	server.SetReadDeadline(time.Now())
	if err := <-timedOut; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("while it waits: %v", err)
	}
}

func TestWriteDeadline(t *testing.T) {
	_, server := pair(t, plain)
	server.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
	for {
		// Nobody reads, so in the end it does not fit.
		if err := server.WriteMessage(protocol.OpBinary, make([]byte, 1<<20)); err != nil {
			if !errors.Is(err, websocket.ErrSlowReader) {
				t.Errorf("past its deadline: %v", err)
			}
			return
		}
	}
}

// countingConn counts the writes that a connection makes.
type countingConn struct {
	net.Conn
	writes chan int // their sizes
}

func (c *countingConn) Write(b []byte) (int, error) {
	c.writes <- len(b)
	return c.Conn.Write(b)
}

// counted returns a server's connection whose writes are reported, and the other end.
func counted(t *testing.T) (c *websocket.Conn, writes <-chan int, other net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	other, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	sizes := make(chan int, 1000)
	c = websocket.NewConn(&countingConn{nc, sizes}, protocol.Server, nil, plain)
	t.Cleanup(func() { c.CloseNow(); other.Close() })
	return c, sizes, other
}

func TestAnswersLeaveTogether(t *testing.T) {
	c, writes, other := counted(t)
	const messages = 20
	other.Write(bytes.Repeat(masked(protocol.OpText, true, "hello"), messages))
	sizes := 0
	for range messages {
		op, p, err := c.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.WriteMessage(op, p); err != nil {
			t.Fatal(err)
		}
	}
	answers := make([]byte, messages*7)
	if _, err := io.ReadFull(other, answers); err != nil {
		t.Fatal(err)
	}
	for len(writes) > 0 {
		<-writes
		sizes++
	}
	if sizes >= messages/2 {
		t.Errorf("%d answers took %d writes", messages, sizes)
	}
	if !bytes.Equal(answers, bytes.Repeat([]byte("\x81\x05hello"), messages)) {
		t.Errorf("answers % x", answers)
	}
}

func TestHeldAnswerLeavesInTime(t *testing.T) {
	c, _, other := counted(t)
	other.Write(append(masked(protocol.OpText, true, "one"), masked(protocol.OpText, true, "two")...))
	op, p, err := c.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.WriteMessage(op, p); err != nil {
		t.Fatal(err)
	}
	// The reader does not come back, but the answer comes.
	answer := make([]byte, 5)
	other.SetReadDeadline(timeLimit())
	if _, err := io.ReadFull(other, answer); err != nil || string(answer) != "\x81\x03one" {
		t.Errorf("answer % x, %v", answer, err)
	}
}

func TestCloseLeavesTheLastMessageAlone(t *testing.T) {
	client, server := pair(t, plain)
	client.WriteMessage(protocol.OpText, []byte("kept"))
	_, p, err := server.NextMessage()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		client.WriteMessage(protocol.OpText, []byte("read by Close"))
		client.ReadMessage()
	}()
	server.Close(protocol.CloseNormal, "")
	if string(p) != "kept" {
		t.Errorf("the last message has become %q", p)
	}
}

func TestHandleIsWaitedFor(t *testing.T) {
	s := &websocket.Server{}
	ended := make(chan struct{})
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Handle(w, r, nil, func(c *websocket.Conn) {
			c.ReadMessage()
			close(ended)
		})
	}))
	defer h.Close()
	c, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(h.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	go c.ReadMessage()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	s.Shutdown(ctx)
	select {
	case <-ended:
	default:
		t.Error("Shutdown returned before the application did")
	}
}
