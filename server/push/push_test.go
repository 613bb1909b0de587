// Tests of /ws/push with gorilla's client: who receives what, and how receivers end.

package push_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"framescope/server/push"
	"framescope/server/websocket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait; nothing is expected to take so long.
const patience = 20 * time.Second

// rooms is a chat that records what the operator says. Each room has two members.
type rooms struct {
	mu   sync.Mutex
	said []string
}

func (r *rooms) Operator(room, text string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, room+": "+text)
	return 2
}

func (r *rooms) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.said, "\n")
}

// site is a server of /ws/push and /api/broadcast.
type site struct {
	*httptest.Server
	push  *push.Handler
	rooms *rooms
	log   *record
}

// record is a log.
type record struct {
	mu sync.Mutex
	b  strings.Builder
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.String()
}

func serve(t *testing.T, o websocket.Options) *site {
	t.Helper()
	s := &site{rooms: new(rooms), log: new(record)}
	s.push = push.New(&websocket.Server{Options: o}, slog.New(slog.NewTextHandler(s.log, nil)), s.rooms, nil)
	mux := http.NewServeMux()
	mux.Handle("/ws/push", s.push)
	mux.Handle("/api/broadcast", s.push.Broadcast())
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *site) dial(t *testing.T) *gorilla.Conn {
	t.Helper()
	c, _, err := gorilla.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.URL, "http")+"/ws/push", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetReadDeadline(time.Now().Add(patience))
	return c
}

func expect(t *testing.T, c *gorilla.Conn, want string) {
	t.Helper()
	kind, text, err := c.ReadMessage()
	if err != nil || kind != gorilla.TextMessage || string(text) != want {
		t.Fatalf("got kind %d %q, %v; want %q", kind, text, err, want)
	}
}

func TestPush(t *testing.T) {
	s := serve(t, websocket.Options{})
	if n := s.push.Push("", "nobody is here"); n != 2 {
		t.Errorf("%d receivers, want the 2 of the chat", n)
	}
	a, b := s.dial(t), s.dial(t)
	if n := s.push.Push("", "<b>grüße</b>"); n != 4 {
		t.Errorf("%d receivers, want 4", n)
	}
	if n := s.push.Push("lobby", "to the room alone"); n != 2 {
		t.Errorf("%d receivers, want 2", n)
	}
	s.push.Push("", "last")
	for _, c := range []*gorilla.Conn{a, b} {
		expect(t, c, "<b>grüße</b>")
		expect(t, c, "last")
	}
	if want := ": nobody is here\n: <b>grüße</b>\nlobby: to the room alone\n: last"; s.rooms.String() != want {
		t.Errorf("the chat was told %q, want %q", s.rooms, want)
	}
}

// TestConnectedMeansReceiving: a client whose handshake has been answered misses nothing, even
// if the push begins before the server's goroutine for it does.
func TestConnectedMeansReceiving(t *testing.T) {
	s := serve(t, websocket.Options{})
	for i := range 200 {
		c := s.dial(t)
		text := fmt.Sprint("text ", i)
		s.push.Push("", text)
		expect(t, c, text)
		c.Close()
	}
}

// TestSent: what a client sends is ignored, up to a limit; the others do not notice.
func TestSent(t *testing.T) {
	s := serve(t, websocket.Options{})
	quiet, chatty, loud := s.dial(t), s.dial(t), s.dial(t)
	for _, text := range []string{"hello", "", strings.Repeat("x", 4096)} {
		if err := chatty.WriteMessage(gorilla.TextMessage, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := loud.WriteMessage(gorilla.BinaryMessage, make([]byte, 4097)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := loud.ReadMessage(); !gorilla.IsCloseError(err, gorilla.CloseMessageTooBig) {
		t.Errorf("a message of 4,097 bytes: %v, want 1009", err)
	}
	s.push.Push("", "still here")
	expect(t, quiet, "still here")
	expect(t, chatty, "still here")
}

// TestGone: receivers that do not read, or have vanished, are dropped; the others receive all.
func TestGone(t *testing.T) {
	s := serve(t, websocket.Options{SendQueue: 64 << 10})
	reader, slow, vanished := s.dial(t), s.dial(t), s.dial(t)
	vanished.NetConn().Close()
	text := strings.Repeat("x", 4096)
	received := make(chan error, 1)
	ahead := make(chan struct{}, 8) // how far pushes may be ahead of the reader
	const texts = 4000
	go func() {
		for range texts {
			_, p, err := reader.ReadMessage()
			if err == nil && string(p) != text {
				err = fmt.Errorf("got %q", p)
			}
			if err != nil {
				received <- err
				return
			}
			<-ahead
		}
		received <- nil
	}()
	for range texts {
		select {
		case ahead <- struct{}{}:
		case err := <-received:
			t.Fatal(err)
		}
		s.push.Push("", text)
	}
	if err := <-received; err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, slow.NetConn()); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("the slow connection ended with %v", err)
	}
	if log := s.log.String(); !strings.Contains(log, "why=\"too slow\"") {
		t.Errorf("the log does not say who was dropped: %s", log)
	}
	if n := s.push.Push("lobby", "x"); n != 2 {
		t.Error(n)
	}
	if n := s.push.Push("", "x"); n != 3 {
		t.Errorf("%d receivers, want the reader and 2 of the chat", n)
	}
}

func TestRefusedHandshake(t *testing.T) {
	s := serve(t, websocket.Options{})
	r, err := http.Get(s.URL + "/ws/push")
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusUpgradeRequired {
		t.Error(r.Status)
	}
	if n := s.push.Push("", "x"); n != 2 {
		t.Errorf("%d receivers after a refused handshake, want the 2 of the chat", n)
	}
}
