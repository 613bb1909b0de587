// The clients of others: npm's socket.io-client and python-socketio, as processes of their own.

package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"framescope/server/engineio"
	"framescope/server/socketio"
)

// reasons collects why sockets were disconnected.
type reasons struct {
	mu  sync.Mutex
	all []string
}

func (r *reasons) add(s *socketio.Socket, reason socketio.Reason) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, s.Value("name").(string)+": "+string(reason))
}

func (r *reasons) sorted() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(slices.Values(r.all))
}

// methods handles the events of the namespace /methods.
type methods struct{ reasons *reasons }

func (m *methods) OnConnect(s *socketio.Socket, _ json.RawMessage) error {
	s.SetValue("name", "methods")
	return nil
}

func (m *methods) OnDisconnect(s *socketio.Socket, reason socketio.Reason) { m.reasons.add(s, reason) }
func (m *methods) OnMyEvent(_ *socketio.Socket, text string) string        { return "my event " + text }
func (m *methods) OnKickMe(s *socketio.Socket)                             { s.Disconnect() }

// welcome accepts clients that give a name, and is not eve.
func welcome(s *socketio.Socket, auth json.RawMessage) error {
	var client struct{ Name string }
	if err := json.Unmarshal(auth, &client); err != nil || client.Name == "" {
		return errors.New("a name, please")
	}
	if client.Name == "eve" {
		return socketio.Refuse("not welcome", map[string]int{"code": 42})
	}
	s.SetValue("name", client.Name)
	return nil
}

// application adds what the scripts in testdata expect.
func application(io *socketio.Server) *reasons {
	ended := new(reasons)
	n := io.Namespace("/")
	n.OnConnect(welcome)
	n.OnDisconnect(ended.add)
	n.On("back", func(s *socketio.Socket, args socketio.Args) { _ = s.Emit("back", args) })
	n.On("back with ack", func(_ *socketio.Socket, v any) any { return v })
	n.On("sum", func(_ *socketio.Socket, numbers ...float64) (sum float64) {
		for _, number := range numbers {
			sum += number
		}
		return sum
	})
	n.On("store", func(_ *socketio.Socket, _ string, file []byte) (int, error) { return len(file), nil })
	n.On("ask me", func(s *socketio.Socket, n int) error {
		return s.Go(func(ctx context.Context) {
			if reply, err := s.Call(ctx, "question", n, []byte{0, 1, 2, 255}); err == nil {
				_ = s.Emit("answered", reply)
			}
		})
	})
	n.On("ask in vain", func(s *socketio.Socket) error {
		return s.Go(func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			defer cancel()
			_, err := s.Call(ctx, "a question that nobody answers")
			_ = s.Emit("unanswered", err.Error())
		})
	})
	n.On("remember", func(s *socketio.Socket, value string) { s.SetValue("memory", value) })
	n.On("recall", func(s *socketio.Socket) any { return s.Value("memory") })
	n.On("join", func(s *socketio.Socket, room string) ([]string, error) {
		err := s.Join(room)
		return s.Rooms(), err
	})
	n.On("leave", func(s *socketio.Socket, room string) { s.Leave(room) })
	n.On("close", func(s *socketio.Socket, room string) { s.Namespace().Close(room) })
	n.On("say", func(s *socketio.Socket, room, text string) bool { return s.To(room).Emit("said", text) == nil })
	n.On("say to others", func(s *socketio.Socket, text string) bool { return s.Others().Emit("said", text) == nil })
	n.On("say to all", func(s *socketio.Socket, text string) bool { return n.Emit("said", text) == nil })
	n.On("kick me", func(s *socketio.Socket) { s.Disconnect() })
	n.On("never acknowledged", func(*socketio.Socket) error { return errors.New("on purpose") })
	io.Namespace("/methods").Handle(&methods{ended})
	return ended
}

// serve starts a server and returns its URL. At the end it is shut down.
func serve(t *testing.T, o socketio.Options) (*socketio.Server, string) {
	t.Helper()
	if o.Engine.Log == nil {
		o.Engine.Log = quiet
	}
	io := socketio.New(o)
	h := httptest.NewServer(io)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		io.Shutdown(ctx)
		h.Close()
	})
	return io, h.URL
}

// run runs a program that says done at its end.
func run(t *testing.T, program string, args ...string) {
	t.Helper()
	packageJSON, err := filepath.Abs("../../frontend/package.json")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, program, args...)
	c.Env = append(os.Environ(), "PACKAGE_JSON="+packageJSON)
	if out, err := c.CombinedOutput(); err != nil || string(out) != "done\n" {
		t.Errorf("%s: %v (make installs what it needs)\n%s", program, err, out)
	}
}

func TestJavaScriptClient(t *testing.T) {
	for _, mode := range []string{"polling", "websocket", "upgrade"} {
		t.Run(mode, func(t *testing.T) {
			io, url := serve(t, socketio.Options{})
			ended := application(io)
			run(t, "node", "testdata/client.mjs", url, mode)
			want := []string{
				"ann: client namespace disconnect", "bob: transport close", "cid: server namespace disconnect",
				"methods: client namespace disconnect", "methods: server namespace disconnect",
			}
			eventually(t, func() bool { return slices.Equal(ended.sorted(), want) }, func() any { return ended.sorted() })
		})
	}
}

func TestJavaScriptRecovery(t *testing.T) {
	for _, mode := range []string{"polling", "websocket"} {
		t.Run(mode, func(t *testing.T) {
			io, url := serve(t, socketio.Options{Recovery: time.Minute})
			application(io)
			run(t, "node", "testdata/recovery.mjs", url, mode)
		})
	}
}

// TestPythonClient uses the system's own Python, for which the Debian package is.
func TestPythonClient(t *testing.T) {
	for _, mode := range []string{"polling", "websocket", "upgrade"} {
		t.Run(mode, func(t *testing.T) {
			io, url := serve(t, socketio.Options{Engine: engineio.Options{PingInterval: time.Second}})
			application(io)
			run(t, "/usr/bin/python3", "testdata/client.py", url, mode)
		})
	}
}
