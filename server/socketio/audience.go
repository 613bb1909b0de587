// Audiences: whom an event is sent to.

package socketio

import (
	"iter"
	"slices"
)

// Audience is the sockets of a namespace that are in some rooms, in all instances. An Audience can
// be used many times.
type Audience struct {
	namespace     *Namespace
	rooms, except []string
}

// To returns those who are in any of the rooms. The id of a socket is a room, too.
func (n *Namespace) To(rooms ...string) *Audience { return (&Audience{namespace: n}).To(rooms...) }

// Except returns those who are in none of the rooms.
func (n *Namespace) Except(rooms ...string) *Audience {
	return (&Audience{namespace: n}).Except(rooms...)
}

// Emit sends an event to all sockets of the namespace; see [Audience.Emit].
func (n *Namespace) Emit(event string, args ...any) error { return n.emitAll(nil, nil, event, args) }

// To returns those who are in any of the rooms, without the socket itself.
func (s *Socket) To(rooms ...string) *Audience { return s.Others().To(rooms...) }

// Others returns all others in the namespace.
func (s *Socket) Others() *Audience { return s.namespace.Except(s.id) }

// To returns those who are in any of these rooms as well.
func (a *Audience) To(rooms ...string) *Audience {
	return &Audience{a.namespace, slices.Concat(a.rooms, rooms), a.except}
}

// Except returns the audience without those who are in any of the rooms.
func (a *Audience) Except(rooms ...string) *Audience {
	return &Audience{a.namespace, a.rooms, slices.Concat(a.except, rooms)}
}

// Emit sends an event, encoded once for all. It never waits: a client for which too much waits is
// disconnected. An error says that the arguments cannot be encoded.
func (a *Audience) Emit(event string, args ...any) error {
	return a.namespace.emitAll(a.rooms, a.except, event, args)
}

// Disconnect disconnects the sockets from the namespace.
func (a *Audience) Disconnect() {
	n := a.namespace
	n.disconnect(a.rooms, a.except)
	n.publish(func(dst []byte) []byte { return appendDisconnect(dst, a.rooms, a.except) })
}

// disconnect disconnects sockets of this instance.
func (n *Namespace) disconnect(rooms, except []string) {
	n.mu.RLock()
	var found []*Socket
	for s := range n.audience(rooms) {
		if !s.in(except) {
			found = append(found, s)
		}
	}
	n.mu.RUnlock()
	for _, s := range found {
		s.Disconnect()
	}
}

// emitAll sends an event to sockets of all instances.
func (n *Namespace) emitAll(rooms, except []string, event string, args []any) error {
	if err := n.emit(rooms, except, event, args); err != nil {
		return err
	}
	if n.topic.Alone() {
		return nil
	}
	return n.publishEvent(rooms, except, event, args)
}

// emit sends an event to sockets of this instance.
func (n *Namespace) emit(rooms, except []string, event string, args []any) error {
	if n.recovery != nil {
		return n.recovery.emit(rooms, except, event, args)
	}
	b := getBuffer()
	e, err := encodeEvent(b.bytes, n.name, noID, event, args)
	if err == nil {
		packet := e.messages()
		n.mu.RLock()
		n.send(rooms, except, packet)
		n.mu.RUnlock()
	}
	b.put(e.text)
	return err
}

// audience returns the sockets of this instance that are in one of the rooms, each once, or all if
// there are no rooms. mu is held, perhaps for reading.
func (n *Namespace) audience(rooms []string) iter.Seq[*Socket] {
	return func(yield func(*Socket) bool) {
		if len(rooms) == 0 {
			for _, s := range n.sockets {
				if !yield(s) {
					return
				}
			}
		}
		for i, room := range rooms {
			if s := n.sockets[room]; s != nil && !s.in(rooms[:i]) && !yield(s) {
				return
			}
			for s := range n.rooms[room] {
				if !s.in(rooms[:i]) && !yield(s) {
					return
				}
			}
		}
	}
}
