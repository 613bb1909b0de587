// Namespaces: the handlers of events, the sockets, and the rooms that they are in.

package socketio

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"framescope/server/engineio"
	"framescope/server/hub"
)

// Namespace is a part of the server that clients connect to by name.
type Namespace struct {
	server   *Server
	name     string
	handlers atomic.Pointer[handlers]
	topic    hub.Topic

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

// remove removes a socket that has ended.
func (n *Namespace) remove(s *Socket, reason Reason) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.recovery != nil {
		n.recovery.left(s, reason)
	}
	for room := range s.rooms {
		n.leave(s, room)
	}
	delete(n.sockets, s.id)
}

// maxRoomName is the longest name of a room, in bytes.
const maxRoomName = 256

// Errors of [Socket.Join].
var (
	ErrRoomName     = errors.New("socketio: the name of a room has 1 to 256 bytes")
	ErrTooManyRooms = errors.New("socketio: too many rooms")
)

// Join has the socket enter a room, which comes to be with its first member.
func (s *Socket) Join(room string) error {
	if room == "" || len(room) > maxRoomName {
		return ErrRoomName
	}
	n := s.namespace
	o := &n.server.options
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.sockets[s.id] != s {
		return ErrDisconnected
	}
	if _, in := s.rooms[room]; in || room == s.id {
		return nil
	}
	if len(s.rooms) >= o.MaxRoomsEach || n.rooms[room] == nil && len(n.rooms) >= o.MaxRooms || o.Engine.Memory.Full() {
		return ErrTooManyRooms
	}
	n.join(s, room)
	return nil
}

// join enters a room; mu is held.
func (n *Namespace) join(s *Socket, room string) {
	if n.rooms[room] == nil {
		n.rooms[room] = map[*Socket]struct{}{}
	}
	n.rooms[room][s] = struct{}{}
	if s.rooms == nil {
		s.rooms = map[string]struct{}{}
	}
	s.rooms[room] = struct{}{}
	n.server.options.Engine.Memory.AddShared(memberSize)
}

// memberSize is about what a member of a room takes in the two maps, and its name, in bytes.
const memberSize = 256

// Leave has the socket leave a room.
func (s *Socket) Leave(room string) {
	s.namespace.mu.Lock()
	defer s.namespace.mu.Unlock()
	if _, in := s.rooms[room]; in {
		s.namespace.leave(s, room)
	}
}

// leave leaves a room that the socket is in; mu is held.
func (n *Namespace) leave(s *Socket, room string) {
	n.server.options.Engine.Memory.SubShared(memberSize)
	delete(s.rooms, room)
	delete(n.rooms[room], s)
	if len(n.rooms[room]) == 0 {
		delete(n.rooms, room)
	}
}

// Rooms returns the rooms that the socket is in, sorted; the first is that of its id.
func (s *Socket) Rooms() []string {
	s.namespace.mu.RLock()
	defer s.namespace.mu.RUnlock()
	return append([]string{s.id}, slices.Sorted(maps.Keys(s.rooms))...)
}

// Rooms returns the names of all rooms of this instance, sorted, without those of the sockets' ids.
func (n *Namespace) Rooms() []string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return slices.Sorted(maps.Keys(n.rooms))
}

// Members returns how many sockets of this instance are in a room.
func (n *Namespace) Members(room string) int {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if n.sockets[room] != nil {
		return 1
	}
	return len(n.rooms[room])
}

// Close has everybody leave a room, in all instances.
func (n *Namespace) Close(room string) {
	n.closeRoom(room)
	n.publish(func(dst []byte) []byte { return appendClose(dst, room) })
}

func (n *Namespace) closeRoom(room string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for s := range n.rooms[room] {
		n.leave(s, room)
	}
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

// send sends a packet to the sockets of this instance that are in one of the rooms, or in the
// namespace if there are none, and not in a room that is excepted. mu is held, perhaps for reading.
func (n *Namespace) send(rooms, except []string, packet []*engineio.Message) {
	if len(rooms) == 1 && n.sockets[rooms[0]] != nil {
		n.sendTo(n.sockets[rooms[0]], except, packet)
		return
	}
	for s := range n.audience(rooms) {
		n.sendTo(s, except, packet)
	}
}

func (n *Namespace) sendTo(s *Socket, except []string, packet []*engineio.Message) {
	if !s.in(except) {
		_ = s.queue(packet) // a failure has ended the socket, or is about to
	}
}

// in reports whether the socket is in one of the rooms; the namespace's mu is held.
func (s *Socket) in(rooms []string) bool {
	for _, room := range rooms {
		if _, in := s.rooms[room]; in || room == s.id {
			return true
		}
	}
	return false
}
