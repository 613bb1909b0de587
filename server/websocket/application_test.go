// What applications do wrong, or at unusual times, and what a handshake may not hold up.

package websocket_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

type connKey struct{}

// cloggedServer serves WebSockets of s on sockets that take no more bytes when the
// handshake is answered, and returns what Accept returned.
func cloggedServer(t *testing.T, s *websocket.Server) (host string, accepting <-chan struct{}, accepted <-chan error) {
	t.Helper()
	begins, results := make(chan struct{}), make(chan error, 1)
	h := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nc := r.Context().Value(connKey{}).(*net.TCPConn)
		nc.SetWriteBuffer(8 << 10) // which the kernel does not make larger by itself then
		for full := 0; full < 3; {
			nc.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
			if n, _ := nc.Write(make([]byte, 1<<20)); n > 0 {
				full = 0
			} else {
				full++
			}
		}
		close(begins)
		_, err := s.Accept(w, r, nil)
		results <- err
	}))
	h.Config.ConnContext = func(ctx context.Context, nc net.Conn) context.Context { return context.WithValue(ctx, connKey{}, nc) }
	h.Start()
	t.Cleanup(h.Close)
	return h.Listener.Addr().String(), begins, results
}

// askAndReadNothing sends a handshake and leaves the answer unread.
func askAndReadNothing(t *testing.T, host string) {
	t.Helper()
	nc, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.(*net.TCPConn).SetReadBuffer(8 << 10)
	fmt.Fprintf(nc, handshake, host, "")
}

// within fails the test when what should end does not.
func within(t *testing.T, limit time.Duration, what string, work func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { work(); close(done) }()
	select {
	case <-done:
	case <-time.After(limit):
		t.Fatalf("%s takes longer than %v", what, limit)
	}
}

func TestShutdownWaitsForNoAnswer(t *testing.T) {
	s := &websocket.Server{Options: websocket.Options{WriteTimeout: time.Hour, CloseTimeout: time.Hour}}
	host, accepting, accepted := cloggedServer(t, s)
	askAndReadNothing(t, host)
	<-accepting
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	within(t, 10*time.Second, "Shutdown", func() { s.Shutdown(ctx) })
	within(t, 10*time.Second, "Accept", func() {
		if err := <-accepted; err == nil {
			t.Error("a handshake was answered that nobody reads")
		}
	})
}

func TestAnswerTakesNoLongerThanAWrite(t *testing.T) {
	s := &websocket.Server{Options: websocket.Options{WriteTimeout: 50 * time.Millisecond}}
	host, _, accepted := cloggedServer(t, s)
	askAndReadNothing(t, host)
	within(t, 10*time.Second, "Accept", func() {
		if err := <-accepted; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestApplicationsThatFail(t *testing.T) {
	for name, test := range map[string]struct {
		app  func(*websocket.Conn)
		logs string
	}{
		"panic":           {func(*websocket.Conn) { panic("out of ideas") }, "out of ideas"},
		"panic in OnPong": {func(c *websocket.Conn) { c.ReadMessage() }, "pong"},
		"Goexit":          {func(*websocket.Conn) { runtime.Goexit() }, "ended its goroutine"},
		"abort":           {func(*websocket.Conn) { panic(http.ErrAbortHandler) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			s := &websocket.Server{Log: slog.New(slog.NewTextHandler(&log, nil))}
			s.Options.CloseTimeout = time.Second
			s.Options.OnPong = func([]byte) { panic("pong") }
			h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.Handle(w, r, nil, test.app) }))
			defer h.Close()
			nc, r := rawDial(t, "ws"+strings.TrimPrefix(h.URL, "http"))
			nc.Write(masked(protocol.OpPong, true, "now"))
			frames, code := readAll(t, r)
			if code != protocol.CloseInternalError {
				t.Errorf("closed with %v, %v", code, frames)
			}
			nc.Close()
			within(t, 10*time.Second, "Shutdown", func() { s.Shutdown(t.Context()) })
			if (test.logs == "") != (log.Len() == 0) || !strings.Contains(log.String(), test.logs) {
				t.Errorf("logged %q", &log)
			}
			if stack := strings.Contains(log.String(), "application_test.go"); stack != strings.HasPrefix(name, "panic") {
				t.Errorf("logged with a stack: %v", stack)
			}
		})
	}
}

func TestMessageWaitsForOneInPartsAsLongAsAWriteMay(t *testing.T) {
	for name, o := range map[string]websocket.Options{
		"plain": plain, "compressed": {}, "context takeover": {Compression: websocket.Compression{ContextTakeover: true}},
	} {
		t.Run(name, func(t *testing.T) {
			o.WriteTimeout = 50 * time.Millisecond
			client, server := pair(t, o)
			w, err := server.NextWriter(protocol.OpText)
			if err != nil {
				t.Fatal(err)
			}
			late := strings.Repeat("late", 100)
			within(t, 10*time.Second, "WriteMessage", func() {
				if err := server.WriteMessage(protocol.OpText, []byte(late)); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Error(err)
				}
			})
			within(t, 10*time.Second, "NextWriter", func() {
				if _, err := server.NextWriter(protocol.OpText); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Error(err)
				}
			})
			fmt.Fprint(w, "in parts")
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			reads(t, client, "in parts")
			if err := server.WriteMessage(protocol.OpText, []byte(late)); err != nil {
				t.Fatal(err)
			}
			reads(t, client, late)
		})
	}
}

func TestWriteDeadlineEndsAWaitForAnotherMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, server := piped(t, plain)
		if _, err := server.NextWriter(protocol.OpText); err != nil {
			t.Fatal(err)
		}
		failed := make(chan error)
		go func() { failed <- server.WriteMessage(protocol.OpText, nil) }()
		synctest.Wait()
		server.SetWriteDeadline(time.Now())
		if err := <-failed; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestOnlyDataMessagesArePrepared(t *testing.T) {
	for op := range protocol.Opcode(16) {
		_, err := websocket.Prepare(op, make([]byte, 300))
		if data := op == protocol.OpText || op == protocol.OpBinary; data != (err == nil) {
			t.Errorf("%v: %v", op, err)
		}
	}
}

func TestCloseInOnPong(t *testing.T) {
	var server *websocket.Conn
	o := plain
	o.CloseTimeout = time.Hour
	closed := make(chan error, 1)
	o.OnPong = func([]byte) { closed <- server.Close(protocol.CloseNormal, "seen enough") }
	nc, server := rawPeer(t, o)
	ended := make(chan error, 1)
	go func() { _, _, err := server.ReadMessage(); ended <- err }()
	nc.Write(masked(protocol.OpPong, true, "now"))
	within(t, 10*time.Second, "Close", func() {
		if err := <-closed; err != nil {
			t.Error(err)
		}
	})
	nc.Write(masked(protocol.OpClose, true, "\x03\xe8"))
	within(t, 10*time.Second, "the end", func() {
		var e *websocket.CloseError
		if err := <-ended; !errors.As(err, &e) || e.Code != protocol.CloseNormal {
			t.Error(err)
		}
	})
}

func TestMaxMessageSizeOfOneConnection(t *testing.T) {
	_, server := arrived(t, masked(protocol.OpText, true, "four"), masked(protocol.OpText, true, "fives"))
	server.SetMaxMessageSize(4)
	reads(t, server, "four")
	var breach protocol.Breach
	if _, _, err := server.ReadMessage(); !errors.As(err, &breach) || breach.Rule != protocol.RuleMessageTooBig {
		t.Error(err)
	}
}
