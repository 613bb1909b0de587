// Namespaces: the handlers of events, and the sockets.

package socketio

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"

	"framescope/server/hub"
)

// Namespace is a part of the server that clients connect to by name.
type Namespace struct {
	server   *Server
	name     string
	handlers atomic.Pointer[handlers]
	topic    hub.Topic
	calls    atomic.Int64 // how many events of Socket.Call there were

	mu       sync.RWMutex // guards the fields below, and the rooms of each socket
	sockets  map[string]*Socket
	rooms    map[string]map[*Socket]struct{}
	recovery *recovery // nil without; the pointer never changes
}

// handlers are the functions of a namespace. They are never changed, but replaced.
type handlers struct {
	connect    func(*Socket, json.RawMessage) error
	disconnect func(*Socket, Reason)
	events     map[string]handler
	methods    map[string]handler // by folded name
}

func newNamespace(v *Server, name string) *Namespace {
	n := &Namespace{server: v, name: name, sockets: map[string]*Socket{}, rooms: map[string]map[*Socket]struct{}{}}
	n.handlers.Store(new(handlers))
	if v.options.Recovery > 0 {
		n.recovery = newRecovery(n, v.options.Recovery)
	}
	n.topic = v.options.Hub.Join("socketio"+name, (*receiver)(n))
	return n
}

// Name returns the name of the namespace.
func (n *Namespace) Name() string { return n.name }

// change replaces the handlers by changed ones.
func (n *Namespace) change(f func(*handlers)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	old := n.handlers.Load()
	changed := &handlers{old.connect, old.disconnect, maps.Clone(old.events), maps.Clone(old.methods)}
	f(changed)
	n.handlers.Store(changed)
}

// OnConnect sets the function that is called for each client that connects. auth is what the
// client has sent, an object or nothing, and belongs to the function. With an error the client is
// refused: it is told the text of the error, and the data if it is a [Refusal]. What the function
// sends to the socket arrives when it is connected.
func (n *Namespace) OnConnect(f func(s *Socket, auth json.RawMessage) error) {
	n.change(func(h *handlers) { h.connect = f })
}

// OnDisconnect sets the function that is called once for each socket that was connected. The
// socket has left its rooms.
func (n *Namespace) OnDisconnect(f func(s *Socket, reason Reason)) {
	n.change(func(h *handlers) { h.disconnect = f })
}

// On sets the function that handles an event. Its first parameter is a *Socket; the others are
// what the arguments of the event are decoded into, see [Args.Decode], or [Args] for all of them.
// What it returns is the acknowledgement, if the client asks for one:
//
//	n.On("say", func(s *socketio.Socket, room, text string) { … })
//	n.On("add", func(s *socketio.Socket, numbers ...float64) (sum float64) { … })
//	n.On("store", func(s *socketio.Socket, name string, file []byte) (size int, err error) { … })
//	n.On("echo", func(s *socketio.Socket, args socketio.Args) socketio.Args { return args })
//
// If the last result is an error that is not nil, it is logged, and the event is not acknowledged.
// The same is done when the arguments cannot be decoded. On panics if f is no such function.
func (n *Namespace) On(event string, f any) {
	if reserved([]byte(event)) {
		panic(fmt.Sprintf("socketio: no client can send the event %q: the name is reserved", event))
	}
	h, err := newHandler(f)
	if err != nil {
		panic(fmt.Sprintf("socketio: On %q: %v", event, err))
	}
	n.change(func(all *handlers) {
		if all.events == nil {
			all.events = map[string]handler{}
		}
		all.events[event] = h
	})
}

// Handle has the methods of a value handle events, as functions passed to On do: OnMyEvent
// handles "my event", "my_event", "my-event" and "myEvent", unless On has set a function for that
// very name. The methods OnConnect and OnDisconnect are those that the methods of Namespace set.
// Handle panics if a method cannot handle its event.
func (n *Namespace) Handle(v any) {
	found, err := methods(v)
	if err != nil {
		panic(fmt.Sprintf("socketio: Handle %T: %v", v, err))
	}
	n.change(func(h *handlers) {
		if h.methods == nil {
			h.methods = map[string]handler{}
		}
		maps.Copy(h.methods, found)
		if v, ok := v.(interface {
			OnConnect(*Socket, json.RawMessage) error
		}); ok {
			h.connect = v.OnConnect
		}
		if v, ok := v.(interface{ OnDisconnect(*Socket, Reason) }); ok {
			h.disconnect = v.OnDisconnect
		}
	})
}

// longestMethod is more than the name of a method has, in bytes.
const longestMethod = 128

// find returns the handler of an event, nil if there is none.
func (h *handlers) find(event []byte) handler {
	if f := h.events[string(event)]; f != nil || len(h.methods) == 0 || len(event) > longestMethod {
		return f
	}
	var space [longestMethod]byte
	return h.methods[string(appendFolded(space[:0], event))]
}

// newID returns 20 characters that nobody can guess.
func newID() string {
	var random [15]byte
	_, _ = rand.Read(random[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(random[:])
}

// enter makes the socket of a client that connects.
func (n *Namespace) enter(c *client, auth []byte) *Socket {
	s := &Socket{namespace: n, client: c}
	if n.recovery != nil {
		n.recovery.takeOver(auth)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.recovery != nil {
		n.recovery.restore(s, auth)
	}
	if s.id == "" {
		s.id = newID()
	}
	n.sockets[s.id] = s
	return s
}

// remove removes a socket that has ended, unless restoring it has done so.
func (n *Namespace) remove(s *Socket, reason Reason) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.sockets[s.id] == s {
		n.take(s, reason)
	}
}

// take is remove with mu held.
func (n *Namespace) take(s *Socket, reason Reason) {
	if n.recovery != nil {
		n.recovery.left(s, reason)
	}
	for room := range s.rooms {
		n.leave(s, room)
	}
	delete(n.sockets, s.id)
}

// close is called when the server shuts down.
func (n *Namespace) close() {
	n.topic.Leave()
	if n.recovery != nil {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.recovery.clear()
	}
}
