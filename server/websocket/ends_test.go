// How a connection ends: what still arrives, and what does not any more.

package websocket_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

func TestNothingAfterTheEnd(t *testing.T) {
	one, after := masked(protocol.OpText, true, "one"), masked(protocol.OpText, true, "after")
	t.Run("breach", func(t *testing.T) {
		bad := masked(protocol.OpText, true, "bad")
		bad[0] |= 0x40
		nc, c := arrived(t, bad, after)
		nc.(*net.TCPConn).CloseWrite()
		for range 2 {
			var breach protocol.Breach
			if _, p, err := c.ReadMessage(); !errors.As(err, &breach) {
				t.Errorf("%q, %v", p, err)
			}
		}
	})
	t.Run("close frame", func(t *testing.T) {
		nc, c := arrived(t, masked(protocol.OpClose, true, "\x03\xe9bye"), after)
		nc.(*net.TCPConn).CloseWrite()
		for range 2 {
			var closed *websocket.CloseError
			if _, p, err := c.ReadMessage(); !errors.As(err, &closed) || closed.Code != protocol.CloseGoingAway {
				t.Errorf("%q, %v", p, err)
			}
		}
	})
	t.Run("CloseNow", func(t *testing.T) {
		_, c := arrived(t, one, after)
		reads(t, c, "one")
		c.CloseNow()
		if _, p, err := c.ReadMessage(); !errors.Is(err, websocket.ErrClosed) {
			t.Errorf("%q, %v", p, err)
		}
	})
}

// A peer that has gone may have said why: that outlasts a write that fails.
func TestWhatCameBeforeAFailedWrite(t *testing.T) {
	_, c := arrived(t, masked(protocol.OpText, true, "one"), masked(protocol.OpText, true, "two"), masked(protocol.OpClose, true, "\x0f\xa0because"))
	reads(t, c, "one")
	c.SetWriteDeadline(time.Now().Add(-time.Second))
	for c.WriteMessage(protocol.OpText, []byte("into the void")) == nil {
	}
	if _, p, err := c.ReadMessage(); err != nil || string(p) != "two" {
		t.Errorf("%q, %v", p, err)
	}
	var closed *websocket.CloseError
	if _, _, err := c.ReadMessage(); !errors.As(err, &closed) || closed.Code != 4000 || closed.Reason != "because" {
		t.Errorf("it ended with %v", err)
	}
}

// Close in another goroutine ends a message that is being read in parts.
func TestStreamIsCutByClose(t *testing.T) {
	o := plain
	o.CloseTimeout = 200 * time.Millisecond
	nc, c := rawPeer(t, o)
	head := protocol.AppendHeader(nil, protocol.Header{Opcode: protocol.OpBinary, Fin: true, Masked: true, PayloadLength: 100_000})
	nc.Write(append(head, strings.Repeat("A", 1000)...))
	_, r, err := c.NextReader()
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 10)
	if _, err := io.ReadFull(r, p); err != nil || string(p) != "AAAAAAAAAA" {
		t.Fatalf("%q, %v", p, err)
	}
	time.AfterFunc(50*time.Millisecond, func() { nc.Write([]byte(strings.Repeat("B", 1000))) })
	if err := c.Close(protocol.CloseGoingAway, ""); err == nil {
		t.Error("a peer that does not answer has closed")
	}
	var closed *websocket.CloseError
	if n, err := r.Read(p); n != 0 || !errors.As(err, &closed) {
		t.Errorf("%q, %v", p[:n], err)
	}
}

func TestQueueLeavesBeforeTheCloseFrame(t *testing.T) {
	for range 20 {
		client, server := pair(t, plain)
		go func() {
			server.Send(prepared(protocol.OpText, []byte("last words")))
			server.Close(protocol.CloseNormal, "")
		}()
		reads(t, client, "last words")
		client.ReadMessage()
	}
}

// Also behind a message that another goroutine compresses.
func TestQueueLeavesBeforeTheCloseFrameInAnyCase(t *testing.T) {
	for _, takeover := range []bool{false, true} {
		o := websocket.Options{Compression: websocket.Compression{ContextTakeover: takeover, Threshold: 1}}
		for range 5 {
			client, server := pair(t, o)
			done := make(chan struct{})
			go func() {
				defer close(done)
				for server.WriteMessage(protocol.OpBinary, make([]byte, 100_000)) == nil {
				}
			}()
			if _, _, err := client.ReadMessage(); err != nil { // so it is writing
				t.Fatal(err)
			}
			go func() {
				server.Send(prepared(protocol.OpText, []byte("last words")))
				server.Close(protocol.CloseNormal, "")
			}()
			came := false
			for {
				op, _, err := client.ReadMessage()
				if err != nil {
					break
				}
				came = came || op == protocol.OpText
			}
			if !came {
				t.Errorf("takeover %v: what was queued is lost", takeover)
			}
			<-done
		}
	}
}

// Once both close frames are exchanged the peer's code stands, though it is slow to
// end TCP.
func TestCloseIsDoneWhenBothFramesAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := plain
		o.CloseTimeout = 3 * time.Second
		near, nc := net.Pipe()
		c := websocket.NewConn(halfPipe{near}, protocol.Server, nil, o)
		closed := make(chan error, 1)
		go func() { closed <- c.Close(protocol.CloseNormal, "") }()
		io.ReadFull(nc, make([]byte, 4))
		time.Sleep(o.CloseTimeout - time.Second/2) // so what is left is less than the peer takes to end TCP
		nc.Write(masked(protocol.OpClose, true, "\x0f\xa0"))
		if err := <-closed; err != nil {
			t.Errorf("Close: %v", err)
		}
		var why *websocket.CloseError
		if !errors.As(c.Err(), &why) || why.Code != 4000 {
			t.Errorf("it ended with %v", c.Err())
		}
	})
}

// If the peer breaks a rule during the close handshake, Close returns that.
func TestCloseReturnsWhatWentWrong(t *testing.T) {
	nc, c := rawPeer(t, plain)
	closed := make(chan error, 1)
	go func() { closed <- c.Close(protocol.CloseNormal, "") }()
	io.ReadFull(nc, make([]byte, 4))
	nc.Write(masked(3, true, "no close frame"))
	nc.(*net.TCPConn).CloseWrite()
	var breach protocol.Breach
	if err := <-closed; !errors.As(err, &breach) {
		t.Errorf("Close: %v", err)
	}

	o := plain
	o.IdleTimeout, o.PongTimeout, o.CloseTimeout = 50*time.Millisecond, 50*time.Millisecond, 300*time.Millisecond
	_, c = rawPeer(t, o)
	if err := c.Close(protocol.CloseNormal, ""); err == nil || errors.Is(err, websocket.ErrNoPong) {
		t.Errorf("Close of a silent peer: %v", err)
	}
}

// A message in parts that begins while Close waits for a turn keeps it no longer.
func TestCloseBesideMessages(t *testing.T) {
	o := websocket.Options{Compression: websocket.Compression{ContextTakeover: true, Threshold: 1}, CloseTimeout: time.Second}
	for range 5 {
		client, server := pair(t, o)
		go func() {
			for server.WriteMessage(protocol.OpBinary, make([]byte, 300_000)) == nil {
			}
		}()
		if _, _, err := client.ReadMessage(); err != nil { // so it is writing
			t.Fatal(err)
		}
		for range 3 {
			go func() {
				if w, err := server.NextWriter(protocol.OpText); err == nil {
					<-server.Done() // never closed before
					w.Close()
				}
			}()
		}
		go func() {
			server.Send(prepared(protocol.OpText, []byte("queued")))
			server.Close(protocol.CloseNormal, "")
		}()
		var closed *websocket.CloseError
		for {
			if _, _, err := client.ReadMessage(); err != nil {
				if !errors.As(err, &closed) || closed.Code != protocol.CloseNormal {
					t.Errorf("it ended with %v", err)
				}
				break
			}
		}
	}
}

// What is thrown away after our close frame is thrown away as long as it may take,
// even if other goroutines set deadlines or close: closing earlier would reset the socket.
func TestLingerIsNotCut(t *testing.T) {
	for name, cut := range map[string]func(*websocket.Conn){
		"deadline": func(c *websocket.Conn) { c.SetReadDeadline(time.Now().Add(time.Hour)) },
		"Close":    func(c *websocket.Conn) { go c.Close(protocol.CloseGoingAway, "") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, nc := net.Pipe()
				c := websocket.NewConn(halfPipe{near}, protocol.Server, nil, plain)
				go c.ReadMessage()
				nc.Write([]byte("\x83\x80\x00\x00\x00\x00and more")) // breaks a rule
				io.ReadFull(nc, make([]byte, 4))                     // the close frame
				synctest.Wait()
				cut(c)
				synctest.Wait()
				if c.Err() != nil {
					t.Fatalf("it has ended with %v", c.Err())
				}
				nc.Close()
				<-c.Done()
			})
		})
	}
}

// What an application has written is sent, though it returns at once.
func TestApplicationThatReturns(t *testing.T) {
	url := running(t, func(c *websocket.Conn) {
		c.ReadMessage()
		c.WriteMessage(protocol.OpText, []byte("answer"))
		c.Send(prepared(protocol.OpText, []byte("more")))
	})
	host := strings.TrimPrefix(url, "http://")
	nc, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	nc.SetDeadline(timeLimit())
	// All in one segment, so that there is more to read when the application answers.
	fmt.Fprintf(nc, handshake+"%s%s", host, "", masked(protocol.OpText, true, "one"), masked(protocol.OpText, true, "two"))
	r := bufio.NewReader(nc)
	if _, err := http.ReadResponse(r, nil); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); string(got) != "\x81\x06answer\x81\x04more" {
		t.Errorf("%q, %v", got, err)
	}
}

// The largest message that is queued may be longer than the queue, if it is alone.
func TestLongMessageInTheQueue(t *testing.T) {
	client, server := pair(t, plain)
	long := strings.Repeat("x", 2<<20)
	if err := server.Send(prepared(protocol.OpText, []byte(long))); err != nil {
		t.Fatal(err)
	}
	reads(t, client, long)
}

func TestCloseFramesThatMayNotBeSent(t *testing.T) {
	client, server := pair(t, plain)
	for _, code := range []protocol.CloseCode{0, 999, 1004, 1006, 1015, 2000, 5000} {
		if server.Close(code, "") == nil {
			t.Errorf("closed with %v", code)
		}
	}
	if server.Close(protocol.CloseNormal, "\xff") == nil {
		t.Error("closed with a reason that is no text")
	}
	go server.Close(protocol.CloseNoStatus, "")
	var closed *websocket.CloseError
	if _, _, err := client.ReadMessage(); !errors.As(err, &closed) || closed.Code != protocol.CloseNoStatus {
		t.Errorf("it ended with %v", err)
	}
}
