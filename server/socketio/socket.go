// Sockets: a client in one namespace.

package socketio

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"framescope/server/engineio"
)

// Socket is a client in one namespace. Its methods may be called from any goroutine.
type Socket struct {
	namespace *Namespace
	client    *client
	id        string
	pid       string // with which the client comes back; "" without recovery
	first     uint64 // the number of the first event that it may have missed, for recovery
	recovered bool
	state     atomic.Int32
	rooms     map[string]struct{} // without that of its id; the namespace's mutex guards it

	mu       sync.Mutex            // guards the fields below
	held     [][]*engineio.Message // while it is connecting
	accepted bool                  // by OnConnect
	reason   Reason                // why it has ended
	values   map[string]any
	calls    calls
	tasks    tasks
}

// The states of a socket.
const (
	stateConnecting int32 = iota // what is sent is held
	stateConnected
	stateGone
)

// maxHeld is how many packets are held for a socket that is connecting.
const maxHeld = 1000

// Reason says why a socket was disconnected: one of these, or the text of an engineio.Reason, such
// as "transport close" or "ping timeout".
type Reason string

// Reasons of one socket, while others of the same client go on.
const (
	ClientDisconnect Reason = "client namespace disconnect" // the client called disconnect
	ServerDisconnect Reason = "server namespace disconnect" // Socket.Disconnect was called
	refused          Reason = "refused"                     // by OnConnect: OnDisconnect is not called
)

// Errors of the methods of a [Socket].
var (
	ErrDisconnected = errors.New("socketio: the socket is disconnected")
	ErrTooMany      = errors.New("socketio: too many at once for one socket")
)

// ID returns the socket's id: 20 characters that are nobody else's. Other clients may know it.
// It is also the name of a room, in which the socket always is.
func (s *Socket) ID() string { return s.id }

// Namespace returns the namespace that the socket is connected to.
func (s *Socket) Namespace() *Namespace { return s.namespace }

// RemoteAddr returns the network address of the client.
func (s *Socket) RemoteAddr() string { return s.client.remote }

// Recovered reports whether the client lost its connection and is back in time, so that the socket
// has the id, rooms and values that it had before.
func (s *Socket) Recovered() bool { return s.recovered }

// Value returns what SetValue has stored under a name, nil if nothing.
func (s *Socket) Value(name string) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.values[name]
}

// SetValue stores something for the time that the socket is connected, such as the user's name.
func (s *Socket) SetValue(name string, value any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values == nil {
		s.values = map[string]any{}
	}
	s.values[name] = value
}

// Emit sends an event to the client. An argument is anything that package json can encode, or
// [Args] that were received; each []byte in it becomes an attachment. Emit may wait for a client
// that does not read, 10 seconds at most; [Audience.Emit] never waits.
func (s *Socket) Emit(event string, args ...any) error {
	if s.namespace.recovery != nil {
		return s.namespace.emit([]string{s.id}, nil, event, args)
	}
	return s.emit(noID, event, args)
}

func (s *Socket) emit(id int64, event string, args []any) error {
	b := getBuffer()
	e, err := encodeEvent(b.bytes, s.namespace.name, id, event, args)
	if err == nil {
		err = s.send(&e)
	}
	b.put(e.text)
	return err
}

// acknowledge answers the event with an id.
func (s *Socket) acknowledge(id int64, reply []any) error {
	b := getBuffer()
	e, err := encodeAck(b.bytes, s.namespace.name, id, reply)
	if err == nil {
		err = s.send(&e)
	}
	b.put(e.text)
	return err
}

// send sends a packet, and keeps nothing of it.
func (s *Socket) send(e *encoding) error {
	if s.state.Load() != stateConnected {
		return s.queue(e.messages())
	}
	var err error
	if len(e.attachments) > 0 {
		err = s.client.session.SendAll(e.messages()...)
	} else {
		err = s.client.session.SendPacket(e.text)
	}
	if err != nil {
		return ErrDisconnected
	}
	return nil
}

// queue sends a packet and never waits.
func (s *Socket) queue(packet []*engineio.Message) error {
	switch s.state.Load() {
	case stateGone:
		return ErrDisconnected
	case stateConnecting:
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.state.Load() == stateConnecting { // accept has not sent what is held yet
			if len(s.held) < maxHeld {
				s.held = append(s.held, packet)
				return nil
			}
			if !s.accepted {
				return ErrTooMany
			}
			s.open()
		}
	}
	if s.client.session.Queue(packet...) != nil {
		return ErrDisconnected
	}
	return nil
}

// event handles an event. An error is a mistake of the client that closes its session.
func (s *Socket) event(k *packet) error {
	name, raw, err := k.event()
	if err != nil {
		return err
	}
	if err := s.client.setArgs(raw, k); err != nil {
		return err
	}
	handle := s.namespace.handlers.Load().find(name)
	if handle == nil || !s.ready() {
		return nil
	}
	reply, err := handle(s, Args{&s.client.args})
	if err == nil && k.id != noID {
		err = s.acknowledge(k.id, reply)
	}
	if err != nil && !s.client.faulty && !errors.Is(err, ErrDisconnected) {
		s.client.faulty = true // one line for each client
		s.client.server.log.Warn("a Socket.IO event was not handled", "remote", s.client.remote, "event", string(name), "why", err)
	}
	return nil
}

// ready reports whether the socket is connected; a client that sends something has got its CONNECT.
func (s *Socket) ready() bool {
	if s.state.Load() == stateConnecting {
		s.sendHeld()
	}
	return s.state.Load() == stateConnected
}

// acknowledged handles an acknowledgement.
func (s *Socket) acknowledged(k *packet) error {
	if err := s.client.setArgs(elements(k.data, 0), k); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls.answer(k.id, Args{&s.client.args})
	return nil
}

// String names the socket in logs.
func (s *Socket) String() string { return fmt.Sprintf("%s of %s", s.id, s.namespace.name) }
