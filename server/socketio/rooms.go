// Rooms: which sockets are in them, and sending to those.

package socketio

import (
	"errors"
	"maps"
	"slices"

	"framescope/server/engineio"
)

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
