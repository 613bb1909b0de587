// The server: its options, and its namespaces.

// Package socketio serves Socket.IO, protocol version 5, over package engineio: events in both
// directions with any JSON values and bytes as arguments, acknowledgements, namespaces and rooms.
//
//	io := socketio.New(socketio.Options{})
//	http.Handle("/socket.io/", io)
//
//	chat := io.Namespace("/")
//	chat.On("say", func(s *socketio.Socket, room, text string) {
//		_ = s.To(room).Emit("said", s.ID(), text)
//	})
//	chat.On("add", func(s *socketio.Socket, a, b int) int { return a + b }) // the acknowledgement
//
// The handlers of a client run one at a time, in the order of its events, on the goroutine that
// reads its connection; those of different clients run at the same time. So a handler answers
// quickly, and one that waits, for an acknowledgement for instance, does so in [Socket.Go].
//
// The protocol: https://github.com/socketio/socket.io-protocol
package socketio

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"framescope/server/engineio"
	"framescope/server/hub"
)

// Options say how a [Server] serves. A field that is zero has its default.
type Options struct {
	// Engine has the options of the sessions below: times, limits, origins, memory. New sets Open.
	Engine engineio.Options
	// ConnectTimeout is how long a client may take to connect to a namespace: 45 s by default.
	ConnectTimeout time.Duration
	// AckTimeout is how long [Socket.Call] waits if its context has no deadline: 10 s by default.
	AckTimeout time.Duration
	// MaxAttachments and MaxAttachmentBytes bound a packet: 64 attachments and 8 MiB by default.
	MaxAttachments, MaxAttachmentBytes int
	// MaxRooms is how many rooms a namespace may have, MaxRoomsEach how many of them a socket
	// may be in: 10,000 and 100 by default. The room of each socket's id does not count.
	MaxRooms, MaxRoomsEach int
	// Recovery is how long a client that lost its connection may take to come back and have its
	// id, rooms, values and the events that it missed: never by default.
	Recovery time.Duration
	// Hub joins the namespaces of several instances; by default there is one.
	Hub hub.Hub
}

// Server serves Socket.IO. Make it with [New].
type Server struct {
	options Options
	engine  *engineio.Server
	log     *slog.Logger
	tasks   sync.WaitGroup  // of Socket.Go; added to while mu is held and closed is false
	ctx     context.Context // of these
	cancel  context.CancelFunc

	mu         sync.Mutex // guards closed, and is held while namespaces is replaced
	closed     bool
	namespaces atomic.Pointer[map[string]*Namespace]
}

// New returns a server without namespaces.
func New(o Options) *Server {
	o.ConnectTimeout = cmp.Or(o.ConnectTimeout, 45*time.Second)
	o.AckTimeout = cmp.Or(o.AckTimeout, 10*time.Second)
	o.MaxAttachments = cmp.Or(o.MaxAttachments, 64)
	o.MaxAttachmentBytes = cmp.Or(o.MaxAttachmentBytes, 8<<20)
	o.MaxRooms = cmp.Or(o.MaxRooms, 10_000)
	o.MaxRoomsEach = cmp.Or(o.MaxRoomsEach, 100)
	if o.Hub == nil {
		o.Hub = new(hub.Local).Instance()
	}
	v := &Server{log: cmp.Or(o.Engine.Log, slog.Default())}
	v.ctx, v.cancel = context.WithCancel(context.Background())
	o.Engine.Open = v.open
	v.options = o
	v.engine = engineio.New(o.Engine)
	v.namespaces.Store(&map[string]*Namespace{})
	return v
}

func (v *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { v.engine.ServeHTTP(w, r) }

// Shutdown disconnects every client and waits for the handlers and for what [Socket.Go] runs, at
// most until ctx is done.
func (v *Server) Shutdown(ctx context.Context) {
	v.engine.Shutdown(ctx)
	v.mu.Lock()
	v.closed = true
	v.mu.Unlock()
	v.cancel()
	for _, n := range *v.namespaces.Load() {
		n.close()
	}
	done := make(chan struct{})
	go func() {
		v.tasks.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Namespace returns the namespace with a name, such as "/" or "/admin", which it makes if there is
// none. Clients are refused by namespaces that do not exist.
func (v *Server) Namespace(name string) *Namespace {
	if !strings.HasPrefix(name, "/") || len(name) > maxNamespace || strings.ContainsAny(name, ",\x1e") {
		panic(fmt.Sprintf("socketio: %q is no name of a namespace: it begins with a slash and has no comma", name))
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	old := *v.namespaces.Load()
	if n := old[name]; n != nil {
		return n
	}
	all := map[string]*Namespace{name: newNamespace(v, name)}
	for name, n := range old {
		all[name] = n
	}
	v.namespaces.Store(&all)
	return all[name]
}

// find returns the namespace with a name, nil if there is none.
func (v *Server) find(name []byte) *Namespace { return (*v.namespaces.Load())[string(name)] }

// open implements engineio.Options.Open.
func (v *Server) open(s *engineio.Session, r *http.Request) engineio.Handler {
	c := &client{server: v, session: s, remote: r.RemoteAddr}
	c.packet.client = c
	c.timeout = time.AfterFunc(v.options.ConnectTimeout, c.timedOut)
	return c
}
