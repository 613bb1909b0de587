// Tests of what the server does with packets, right and wrong.

package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"framescope/server/engineio"
	"framescope/server/memory"
	"framescope/server/socketio"
)

// serveEcho serves a namespace with an event that comes back.
func serveEcho(t *testing.T, o socketio.Options) (*socketio.Namespace, string) {
	t.Helper()
	io, url := serve(t, o)
	n := io.Namespace("/")
	n.On("echo", func(s *socketio.Socket, args socketio.Args) { _ = s.Emit("back", args) })
	n.On("ack", func(_ *socketio.Socket, args socketio.Args) socketio.Args { return args })
	return n, url
}

func TestPacketsThatEndTheSession(t *testing.T) {
	_, url := serveEcho(t, socketio.Options{MaxAttachments: 3, MaxAttachmentBytes: 1000})
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	for _, test := range []struct {
		name     string
		messages []string // those that begin with ~ are bytes
		why      string   // what the client is told of it
	}{
		{"before CONNECT", []string{`42["echo"]`}, "not connected"},
		{"acknowledgement before CONNECT", []string{`431[]`}, "not connected"},
		{"unknown namespace", []string{`40`, `42/nowhere,["echo"]`}, "not connected"},
		{"CONNECT twice", []string{`40`, `40`}, "that is connected"},
		{"CONNECT_ERROR", []string{`40`, `44{"message":"no"}`}, "from a client"},
		{"unknown type", []string{`40`, `4abc`}, "unknown packet type"},
		{"unknown type 7", []string{`40`, `47`}, "unknown packet type"},
		{"empty", []string{`40`, `4`}, "empty packet"},
		{"no array", []string{`40`, `42{}`}, "does not fit"},
		{"cut short", []string{`40`, `42["echo",`}, "not valid JSON"},
		{"no event", []string{`40`, `42[]`}, "does not fit"},
		{"bad id", []string{`40`, `42abc["ack"]`}, "not valid JSON"},
		{"id above 2^53", []string{`40`, `429007199254740992["ack"]`}, "above 2^53"},
		{"reserved", []string{`40`, `42["disconnect"]`}, "reserved name"},
		{"deep", []string{`40`, `42["echo",` + deep + `]`}, "nested more than"},
		{"deep objects", []string{`40`, `42["echo",` + strings.Repeat(`{"a":`, 100000)}, "nested more than"},
		{"too many attachments", []string{`40`, `454-["echo"]`}, "number of attachments"},
		{"no attachments", []string{`40`, `450-["echo"]`}, "number of attachments"},
		{"bytes without a packet", []string{`40`, "~x"}, "no attachment is expected"},
		{"one attachment more", []string{`40`, `451-["nothing",{"_placeholder":true,"num":0}]`, "~x", "~y"}, "no attachment is expected"},
		{"text instead of an attachment", []string{`40`, `452-["echo"]`, "~x", `42["echo"]`}, "text where"},
		{"attachments too large", []string{`40`, `452-["echo"]`, "~" + strings.Repeat("x", 600), "~" + strings.Repeat("x", 600)}, "too large together"},
		{"placeholder out of range", []string{`40`, `451-["echo",{"_placeholder":true,"num":1}]`, "~x"}, "placeholder"},
		{"placeholder in disguise", []string{`40`, `451-["echo",{"\u005fplaceholder":true,"num":1}]`, "~x"}, "placeholder"},
		{"long namespace", []string{`40/` + strings.Repeat("n", 300)}, "256 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := dial(t, url)
			for _, message := range test.messages {
				if p, ok := strings.CutPrefix(message, "~"); ok {
					r.sendBytes(p)
				} else {
					r.send(message)
				}
			}
			r.expectClosed(test.why)
		})
	}
}

func TestEvents(t *testing.T) {
	_, url := serveEcho(t, socketio.Options{})
	r, _ := connect(t, url, "")
	for _, test := range []struct{ send, want string }{
		{`42["echo"]`, `42["back"]`},
		{`42["echo",1,"2",{"3":[true]}]`, `42["back",1,"2",{"3":[true]}]`},
		{`42["echo",{"_placeholder":true,"num":7}]`, `42["back",{"_placeholder":true,"num":7}]`}, // plain data here
		{`429007199254740991["ack","x"]`, `439007199254740991["x"]`},
		{`420["ack"]`, `430[]`},
	} {
		r.send(test.send)
		r.expect(test.want)
	}
	r.send(`42["unknown",1]`)
	r.send(`425["unknown"]`) // is not acknowledged
	r.send(`439["nobody called"]`)
	r.send(`452-7["ack",{"a":{"_placeholder":true,"num":1}},{"_placeholder":true,"num":0}]`)
	r.sendBytes("one")
	r.sendBytes("")
	r.expect(`462-7[{"a":{"_placeholder":true,"num":1}},{"_placeholder":true,"num":0}]`, "bytes: one", "bytes: ")
}

// TestOtherNamespacesGoOn: what ends in one namespace does not disturb another.
func TestOtherNamespacesGoOn(t *testing.T) {
	n, url := serveEcho(t, socketio.Options{})
	r, _ := connect(t, url, "")
	r.send("40/nowhere,")
	r.expect(`44/nowhere,{"message":"Invalid namespace"}`)
	r.send(`42["echo"]`)
	r.expect(`42["back"]`)

	n.On("bye", func(s *socketio.Socket) { s.Disconnect() })
	r.send(`42["bye"]`)
	r.send(`42["echo"]`) // was under way
	r.send(`431[]`)
	r.expect(`41`)
	r.send("40")
	if got := r.next(); !strings.HasPrefix(got, `40{"sid"`) {
		t.Fatal(got)
	}
	r.send(`42["echo",1]`)
	r.expect(`42["back",1]`)
	r.send(`41`)
	r.send(`42["echo"]`) // the client disconnected itself
	r.send("40")
	if got := r.next(); !strings.HasPrefix(got, `40{"sid"`) {
		t.Fatal(got)
	}
}

func TestConnectTimeout(t *testing.T) {
	_, url := serveEcho(t, socketio.Options{ConnectTimeout: 30 * time.Millisecond})
	dial(t, url).expectClosed("no namespace connected in time")
	r, _ := connect(t, url, "")
	r.send("41")
	r.expectClosed("no namespace connected in time") // a client without any namespace has as long again
}

// TestOnConnect: what the handler sends comes after the CONNECT, also what is sent by others, and a
// refused socket is gone.
func TestOnConnect(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	n := io.Namespace("/a")
	var ended atomic.Int32
	n.OnDisconnect(func(*socketio.Socket, socketio.Reason) { ended.Add(1) })
	n.OnConnect(func(s *socketio.Socket, auth json.RawMessage) error {
		if err := s.Join("room"); err != nil {
			return err
		}
		_ = s.Emit("auth", auth, []byte("x"))
		_ = n.To("room").Emit("to the room")
		_ = n.Emit("to all", s.ID() != "")
		if auth == nil {
			return errors.New("no auth")
		}
		if string(auth) == `{"bye":1}` {
			s.Disconnect()
		}
		return nil
	})
	r := dial(t, url)
	r.send(`40/a,{"a":1}`)
	if got := r.next(); !strings.HasPrefix(got, `40/a,{"sid":"`) {
		t.Fatal(got)
	}
	r.expect(`451-/a,["auth",{"a":1},{"_placeholder":true,"num":0}]`, "bytes: x", `42/a,["to the room"]`, `42/a,["to all",true]`)

	refused := dial(t, url)
	refused.send(`40/a`)
	refused.expect(`44/a,{"message":"no auth"}`)
	if n.Members("room") != 1 || ended.Load() != 0 {
		t.Errorf("%d members, %d ended", n.Members("room"), ended.Load())
	}
	gone := dial(t, url)
	gone.send(`40/a,{"bye":1}`)
	if got := gone.next(); !strings.HasPrefix(got, `40/a,{"sid":"`) {
		t.Fatal(got)
	}
	gone.expect(`41/a,`)
	eventually(t, func() bool { return ended.Load() == 1 && n.Members("room") == 1 }, func() any { return ended.Load() })
}

// TestAcknowledgements: calls that wait are bounded, and end with the socket.
func TestAcknowledgements(t *testing.T) {
	n, url := serveEcho(t, socketio.Options{})
	sockets := make(chan *socketio.Socket, 1)
	n.OnConnect(func(s *socketio.Socket, _ json.RawMessage) error { sockets <- s; return nil })
	r, _ := connect(t, url, "")
	s := <-sockets
	results := make(chan error, 1000)
	for range cap(results) {
		go func() {
			_, err := s.Call(context.Background(), "question")
			results <- err
		}()
	}
	for range cap(results) {
		r.next()
	}
	if _, err := s.Call(context.Background(), "one too many"); !errors.Is(err, socketio.ErrTooMany) {
		t.Error(err)
	}
	r.send(`430["answer"]`)
	if err := <-results; err != nil {
		t.Error(err)
	}
	r.send(`430["again"]`)
	r.send("41")
	for range cap(results) - 1 {
		if err := <-results; !errors.Is(err, socketio.ErrDisconnected) {
			t.Fatal(err)
		}
	}
	if _, err := s.Call(context.Background(), "too late"); !errors.Is(err, socketio.ErrDisconnected) {
		t.Error(err)
	}
	if err := s.Emit("too late"); !errors.Is(err, socketio.ErrDisconnected) {
		t.Error(err)
	}
	if err := s.Join("too late"); !errors.Is(err, socketio.ErrDisconnected) {
		t.Error(err)
	}
}

// TestLateAcknowledgement: what a client acknowledges after it has connected anew answers no event
// of its new socket.
func TestLateAcknowledgement(t *testing.T) {
	n, url := serveEcho(t, socketio.Options{})
	answers := make(chan string, 2)
	n.OnConnect(func(s *socketio.Socket, _ json.RawMessage) error {
		return s.Go(func(ctx context.Context) {
			if reply, err := s.Call(ctx, "question"); err == nil {
				var answer string
				_ = reply.Decode(&answer)
				answers <- answer
			}
		})
	})
	r, _ := connect(t, url, "")
	first := r.next()
	r.send("41")
	r.send("40")
	r.next()
	second := r.next()
	for i, question := range []string{first, second} {
		id, _, _ := strings.Cut(strings.TrimPrefix(question, "42"), "[")
		r.send("43" + id + []string{`["to the first"]`, `["to the second"]`}[i])
	}
	if answer := <-answers; answer != "to the second" {
		t.Errorf("%s is answered with %s", second, answer)
	}
}

// TestGo: functions run beside the handlers, are bounded, and may panic.
func TestGo(t *testing.T) {
	n, url := serveEcho(t, socketio.Options{})
	release := make(chan struct{})
	var ended atomic.Int32
	n.On("go", func(s *socketio.Socket) (started int) {
		for s.Go(func(ctx context.Context) {
			defer ended.Add(1)
			select {
			case <-release:
				panic("on purpose")
			case <-ctx.Done():
			}
		}) == nil {
			started++
		}
		return started
	})
	r, _ := connect(t, url, "")
	r.send(`421["go"]`)
	r.expect(`431[100]`)
	close(release)
	eventually(t, func() bool { return ended.Load() == 100 }, func() any { return ended.Load() })
	r.send(`42["echo"]`)
	r.expect(`42["back"]`)
}

// TestMemoryOfAttachments: unfinished packets count, and their memory is given back.
func TestMemoryOfAttachments(t *testing.T) {
	budget := memory.NewBudget(64<<20, quiet)
	_, url := serveEcho(t, socketio.Options{Engine: engineio.Options{Memory: budget}})
	before := budget.Used()
	r, _ := connect(t, url, "")
	r.send(`453-["ack"]`)
	r.sendBytes(strings.Repeat("x", 500_000))
	r.sendBytes(strings.Repeat("x", 500_000))
	eventually(t, func() bool { return budget.Used() >= before+1_000_000 }, func() any { return budget.Used() - before })
	r.conn.CloseNow()
	eventually(t, func() bool { return budget.Used() <= before }, func() any { return budget.Used() - before })
}

// TestAttachmentFlood: clients that never finish their packets cannot take more than the limit.
func TestAttachmentFlood(t *testing.T) {
	budget := memory.NewBudget(8<<20, quiet)
	_, url := serveEcho(t, socketio.Options{Engine: engineio.Options{Memory: budget}})
	good, _ := connect(t, url, "")
	for range 40 {
		r, _ := connect(t, url, "")
		if r.conn.WriteMessage(1, []byte(`464-1["ack"]`)) != nil {
			continue
		}
		_ = r.conn.WriteMessage(2, make([]byte, 900_000))
		_ = r.conn.WriteMessage(2, make([]byte, 100_000)) // may be closed meanwhile
	}
	eventually(t, func() bool { return budget.Used() <= 9<<20 }, func() any { return budget.Used() })
	good.send(`42["echo",1]`)
	good.expect(`42["back",1]`)
}

// TestPanic: a handler that panics ends its own session, and no other.
func TestPanic(t *testing.T) {
	n, url := serveEcho(t, socketio.Options{})
	var reason atomic.Value
	n.OnDisconnect(func(_ *socketio.Socket, why socketio.Reason) { reason.Store(why) })
	n.On("panic", func(*socketio.Socket) { panic("on purpose") })
	good, _ := connect(t, url, "")
	bad, id := connect(t, url, "")
	bad.send(`42["panic"]`)
	if text, err := bad.read(); err == nil {
		t.Errorf("got %s", text)
	}
	eventually(t, func() bool { return reason.Load() == socketio.Reason("transport error") && n.Members(id) == 0 }, func() any { return reason.Load() })
	good.send(`42["echo"]`)
	good.expect(`42["back"]`)
}
