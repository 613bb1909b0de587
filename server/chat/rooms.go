// The rooms that are open, and what they may hold together.

package chat

import (
	"errors"
	"sync"
	"sync/atomic"

	"framescope/server/websocket"
)

const (
	maxRooms   = 1000
	maxMembers = 10000 // of a room

	// What rooms hold for members that are behind, in bytes. A backlog is as long as
	// Options.SendQueue says.
	defaultBacklog = 1 << 20
	maxLists       = 16 << 20 // of a room
	maxHeld        = 64 << 20 // of all rooms, and a quarter of the memory's limit
	squeezed       = 64 << 10 // of a room, while all hold more than that
)

// rooms are those that have members. Its lock is held for no longer than it takes to find
// a room.
type rooms struct {
	maxBacklog int
	memory     budget
	maxHeld    int64
	held       atomic.Int64 // by all rooms

	mu   sync.Mutex
	open map[string]*room
}

// budget is what a chat needs of the server's.
type budget interface {
	AddShared(bytes int64)
	SubShared(bytes int64)
	Limit() int64
}

func (rs *rooms) init(o *websocket.Options) {
	rs.open = map[string]*room{}
	if rs.maxBacklog = o.SendQueue; rs.maxBacklog <= 0 {
		rs.maxBacklog = defaultBacklog
	}
	rs.memory, rs.maxHeld = o.Memory, maxHeld
	if limit := rs.memory.Limit(); limit > 0 {
		rs.maxHeld = min(maxHeld, limit/4)
	}
}

// hold counts bytes that a room holds, or holds no longer if they are less than 0.
func (rs *rooms) hold(bytes int) {
	rs.held.Add(int64(bytes))
	if bytes > 0 {
		rs.memory.AddShared(int64(bytes))
	} else {
		rs.memory.SubShared(int64(-bytes))
	}
}

var (
	errTooManyRooms = errors.New("too many rooms are open")
	errRoomFull     = errors.New("the room is full")
)

// join adds a connection to a room, opens that if need be, and returns when all members
// have been told.
func (rs *rooms) join(c *websocket.Conn, roomName, name string) (*member, error) {
	m := &member{conn: c, admitted: make(chan struct{})}
	c.OnDrain(m.sent)
	for {
		r, err := rs.find(roomName)
		if err != nil {
			return nil, err
		}
		if open, err := r.join(m, name); open {
			return m, err
		}
	}
}

// find returns an open room, which may be closed before it is locked.
func (rs *rooms) find(name string) (*room, error) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r := rs.open[name]
	if r == nil {
		if len(rs.open) >= maxRooms {
			return nil, errTooManyRooms
		}
		r = &room{name: name, rooms: rs, taken: map[string]*member{}}
		r.backlog.rooms, r.lists.rooms = rs, rs
		rs.open[name] = r
	}
	return r, nil
}

// backlog is how many bytes a member of a room may be behind.
func (rs *rooms) backlog() int { return rs.limit(rs.maxBacklog) }

// lists is how many bytes the lists of a room may take.
func (rs *rooms) lists() int { return rs.limit(maxLists) }

func (rs *rooms) limit(usual int) int {
	if rs.held.Load() > rs.maxHeld {
		return min(squeezed, usual)
	}
	return usual
}
