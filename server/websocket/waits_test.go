// Waiting: the reader waits for no writer, and nothing waits longer than the limits say.

package websocket_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

// rawPeer is a connection of ours and the bare socket of its peer.
func rawPeer(t *testing.T, o websocket.Options) (nc net.Conn, server *websocket.Conn) {
	t.Helper()
	accepted := make(chan *websocket.Conn, 1)
	s := &websocket.Server{Options: o}
	over := make(chan struct{})
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.Handle(w, r, nil, func(c *websocket.Conn) { accepted <- c; <-over }); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(h.Close)
	t.Cleanup(func() { close(over) })
	nc, _ = rawDial(t, "ws"+strings.TrimPrefix(h.URL, "http"))
	return nc, <-accepted
}

// reads expects a message soon.
func reads(t *testing.T, c *websocket.Conn, want string) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	defer c.SetReadDeadline(time.Time{})
	if _, p, err := c.ReadMessage(); err != nil || string(p) != want {
		t.Fatalf("%q, %v, want %q", p, err, want)
	}
}

// patient connections wait longer than a test does.
var patient = websocket.Options{WriteTimeout: time.Minute, Compression: websocket.Compression{Off: true}}

func TestReaderWaitsForNoWriter(t *testing.T) {
	for name, before := range map[string]string{
		"a message":                       "",
		"a ping":                          string(masked(protocol.OpPing, true, "here?")),
		"more pings than can be answered": strings.Repeat(string(masked(protocol.OpPing, true, strings.Repeat("?", 125))), 1000),
	} {
		t.Run(name, func(t *testing.T) {
			// While there is more to read, the connection holds what is written.
			nc, c, set := watched(t, protocol.Server, patient, masked(protocol.OpText, true, "one"), masked(protocol.OpText, true, "two"))
			reads(t, c, "one")
			clog(c, set)
			nc.Write(append([]byte(before), masked(protocol.OpText, true, "three")...))
			reads(t, c, "two")
			reads(t, c, "three")
		})
	}
}

// What the reader sends before it reads must not keep it from reading either.
func TestReaderWaitsForNoSocket(t *testing.T) {
	nc, c, set := watched(t, protocol.Server, patient)
	for waits := false; !waits; {
		nc.Write(append(masked(protocol.OpText, true, "a"), masked(protocol.OpText, true, "b")...))
		reads(t, c, "a")
		written := make(chan error, 1)
		go func() { written <- c.WriteMessage(protocol.OpBinary, make([]byte, 30_000)) }()
		select {
		case <-written: // held until the next read, or sent
		case <-set:
			waits = true
		}
		reads(t, c, "b")
	}
	nc.Write(masked(protocol.OpText, true, "c"))
	reads(t, c, "c")
}

// Pongs that had to wait come later, in order; of too many the newest.
func TestPongsThatWaited(t *testing.T) {
	for _, client := range []bool{false, true} {
		side := protocol.Server
		if client {
			side = protocol.Client
		}
		nc, c, set := watched(t, side, patient)
		clog(c, set)
		var pings []byte
		for i := range 20 {
			h := protocol.Header{Fin: true, Opcode: protocol.OpPing, Masked: !client, PayloadLength: 1}
			pings = append(protocol.AppendHeader(pings, h), byte(i))
		}
		h := protocol.Header{Fin: true, Opcode: protocol.OpText, Masked: !client, PayloadLength: 2}
		nc.Write(append(protocol.AppendHeader(pings, h), "hi"...))
		reads(t, c, "hi")
		d := protocol.Decoder{From: side}
		b := make([]byte, 64<<10)
		var pongs []byte
		nc.SetReadDeadline(timeLimit())
		for held := 0; len(pongs) < 20; {
			n, err := nc.Read(b[held:])
			if err != nil {
				t.Fatalf("after pongs %v: %v", pongs, err)
			}
			rest := b[:held+n]
			for {
				ev, took := d.Next(rest)
				if took == 0 {
					break
				}
				if ev.End && d.Header().Opcode == protocol.OpPong {
					pongs = append(pongs, ev.Data...)
				}
				rest = rest[took:]
			}
			held = copy(b, rest)
		}
		if !slices.IsSorted(pongs) {
			t.Errorf("pongs came as %v", pongs)
		}
		c.CloseNow()
	}
}

func TestCloseIsBounded(t *testing.T) {
	o := patient
	o.CloseTimeout = 200 * time.Millisecond
	_, c, set := watched(t, protocol.Server, o)
	clog(c, set)
	done := make(chan error, 1)
	go func() { done <- c.Close(protocol.CloseNormal, "") }()
	select {
	case err := <-done:
		var closed *websocket.CloseError
		if !errors.As(err, &closed) || closed.Code != protocol.CloseAbnormal {
			t.Errorf("closed with %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("Close waits for a writer")
		c.CloseNow()
	}
}

// ends waits for the end of a connection.
func ends(t *testing.T, c *websocket.Conn, why error) {
	t.Helper()
	select {
	case <-c.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the connection goes on")
	}
	if why != nil && !errors.Is(c.Err(), why) {
		t.Errorf("it ended with %v, want %v", c.Err(), why)
	}
}

// However the application waits, a peer that is gone is noticed.
func TestDeadlinesLeaveTheLimitsAlone(t *testing.T) {
	o := plain
	o.IdleTimeout, o.PongTimeout = 2*time.Second, 2*time.Second
	for name, wait := range map[string]func(*websocket.Conn){
		"polling": func(c *websocket.Conn) {
			for c.Err() == nil {
				c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
				c.ReadMessage()
			}
		},
		"a far deadline, taken back": func(c *websocket.Conn) {
			c.SetReadDeadline(time.Now().Add(time.Hour))
			c.SetReadDeadline(time.Time{})
			c.ReadMessage()
		},
		"a far deadline, set meanwhile": func(c *websocket.Conn) {
			time.AfterFunc(50*time.Millisecond, func() { c.SetReadDeadline(time.Now().Add(time.Hour)) })
			c.ReadMessage()
		},
		"a deadline taken back meanwhile": func(c *websocket.Conn) {
			c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			time.AfterFunc(20*time.Millisecond, func() { c.SetReadDeadline(time.Time{}) })
			c.ReadMessage()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				nc, c := piped(t, o)
				go io.Copy(io.Discard, nc)
				go wait(c)
				ends(t, c, websocket.ErrNoPong)
			})
		})
	}
}

// An application that takes its time between reads is not a slow peer.
func TestPauseOfTheApplication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := plain
		o.FrameTimeout = 2 * time.Second
		nc, c := piped(t, o)
		head := protocol.AppendHeader(nil, protocol.Header{Opcode: protocol.OpBinary, Fin: true, Masked: true, PayloadLength: 30})
		go nc.Write(append(head, "0123456789"...))
		_, r, err := c.NextReader()
		if err != nil {
			t.Fatal(err)
		}
		p := make([]byte, 10)
		for i := range 3 {
			if _, err := io.ReadFull(r, p); err != nil || string(p) != "0123456789" {
				t.Fatalf("part %d: %q, %v", i, p, err)
			}
			if i < 2 {
				go nc.Write([]byte("0123456789"))
			}
			time.Sleep(2 * o.FrameTimeout)
		}
	})
}

func TestCloseAfterAReadDeadline(t *testing.T) {
	client, server := pair(t, patient)
	go client.ReadMessage()
	server.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if _, _, err := server.ReadMessage(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	if err := server.Close(protocol.CloseNormal, "bye"); err != nil {
		t.Errorf("the close handshake failed: %v", err)
	}
}

// A write deadline that is taken back leaves the write timeout, over a socket and over
// what is none.
func TestWriteDeadlineTakenBack(t *testing.T) {
	o := plain
	o.WriteTimeout = 300 * time.Millisecond
	_, c, set := watched(t, protocol.Server, o)
	clog(c, set)
	for _, by := range []time.Time{time.Now().Add(time.Hour), {}} { // while a write waits
		if err := c.SetWriteDeadline(by); err != nil {
			t.Error(err)
		}
	}
	ends(t, c, websocket.ErrSlowReader)
	synctest.Test(t, func(t *testing.T) {
		_, c := piped(t, o)
		written := make(chan error)
		go func() { written <- c.WriteMessage(protocol.OpText, nil) }()
		synctest.Wait()
		for _, by := range []time.Time{time.Now().Add(time.Hour), {}} {
			if err := c.SetWriteDeadline(by); err != nil {
				t.Error(err)
			}
		}
		if err := <-written; !errors.Is(err, websocket.ErrSlowReader) {
			t.Error(err)
		}
	})
}

// A goroutine that waits for a message in parts to end waits no longer than the connection lasts.
func TestMessageInPartsThatNeverEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := piped(t, patient)
		w, err := c.NextWriter(protocol.OpText)
		if err != nil {
			t.Fatal(err)
		}
		waiting := make(chan error, 3)
		go func() { waiting <- c.WriteMessage(protocol.OpText, []byte("two")) }()
		go func() {
			_, err := c.NextWriter(protocol.OpText)
			waiting <- err
		}()
		c.Send(prepared(protocol.OpText, []byte("three")))
		synctest.Wait()
		began := time.Now()
		c.CloseNow()
		go func() { waiting <- c.WriteMessage(protocol.OpText, []byte("four")) }()
		for range 3 {
			if err := <-waiting; !errors.Is(err, websocket.ErrClosed) {
				t.Error(err)
			}
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("a writer waits for %v after the end", waited)
		}
		if err := w.Close(); !errors.Is(err, websocket.ErrClosed) {
			t.Error(err)
		}
	})
}

// However often the write deadline is set meanwhile, WriteTimeout bounds a write.
func TestWriteDeadlineProlongsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := plain
		o.WriteTimeout = 2 * time.Second
		_, c := piped(t, o)
		began := time.Now()
		go c.WriteMessage(protocol.OpBinary, make([]byte, 20_000))
		for c.Err() == nil && time.Since(began) < 2*o.WriteTimeout {
			time.Sleep(o.WriteTimeout / 10)
			c.SetWriteDeadline(time.Time{})
		}
		if took := time.Since(began); took > o.WriteTimeout+o.WriteTimeout/10 || !errors.Is(c.Err(), websocket.ErrSlowReader) {
			t.Errorf("after %v: %v", took, c.Err())
		}
	})
}

// Deadlines may be as far away as a time can be told, on either side.
func TestDeadlinesFarAway(t *testing.T) {
	nc, c := rawPeer(t, plain)
	for _, by := range []time.Time{time.Now().AddDate(400, 0, 0), time.Unix(1<<40, 0)} {
		c.SetReadDeadline(by)
		nc.Write(masked(protocol.OpText, true, "hi"))
		if _, p, err := c.ReadMessage(); err != nil || string(p) != "hi" {
			t.Errorf("by %v: %q, %v", by, p, err)
		}
	}
	for _, by := range []time.Time{time.Unix(0, 0), time.Unix(-1<<40, 0)} {
		c.SetReadDeadline(by)
		if _, _, err := c.ReadMessage(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("by %v: %v", by, err)
		}
	}
}

// lingerConn tells that a write begins, and notes how long its socket is to linger.
type lingerConn struct {
	net.Conn
	writes  chan struct{}
	seconds *int
}

func (c lingerConn) Write(b []byte) (int, error) {
	c.writes <- struct{}{}
	return c.Conn.Write(b)
}

func (c lingerConn) SetLinger(seconds int) error {
	*c.seconds = seconds
	return nil
}

// The system would keep what a peer does not read for minutes after its connection has ended.
func TestCloseNowDiscardsWhatIsNotRead(t *testing.T) {
	for _, reads := range []bool{true, false} {
		near, far := net.Pipe()
		defer far.Close()
		lingers := -1
		writes, written := make(chan struct{}), make(chan struct{})
		c := websocket.NewConn(lingerConn{near, writes, &lingers}, protocol.Server, nil, patient)
		go func() {
			_ = c.WriteMessage(protocol.OpText, []byte("hello"))
			close(written)
		}()
		<-writes
		if reads {
			go io.Copy(io.Discard, far)
			<-written
		}
		c.CloseNow()
		if discards := lingers == 0; discards == reads {
			t.Errorf("the peer reads: %v, but what was sent is discarded: %v", reads, discards)
		}
	}
}
