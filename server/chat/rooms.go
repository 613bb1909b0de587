// The open chat rooms, and the limits on what they keep.

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

	// Limits, in bytes, on what is queued for members that are behind. Options.SendQueue,
	// if it is set, replaces defaultBacklog.
	defaultBacklog = 1 << 20  // of one room
	maxLists       = 16 << 20 // of one room
	maxQueued      = 64 << 20 // of all rooms, or a quarter of the server's budget if that is less
	reducedLimit   = 64 << 10 // of one room, while all rooms together exceed theirs
)

// rooms is the set of open rooms. Its mutex is held only to find, open or remove a room.
type rooms struct {
	maxBacklog int
	memory     budget
	maxQueued  int64
	queued     atomic.Int64 // bytes, in all rooms

	mu   sync.Mutex
	open map[string]*room
}

// budget is the part of the server's memory budget that the chat uses.
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
	rs.memory, rs.maxQueued = o.Memory, maxQueued
	if limit := rs.memory.Limit(); limit > 0 {
		rs.maxQueued = min(maxQueued, limit/4)
	}
}

// account adds bytes, which may be negative, to what the rooms have queued.
func (rs *rooms) account(bytes int) {
	rs.queued.Add(int64(bytes))
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

// join adds a connection to a room, which it opens if necessary, and returns when the new
// member has been announced.
func (rs *rooms) join(c *websocket.Conn, roomName, name string) (*member, error) {
	m := &member{conn: c, admitted: make(chan struct{})}
	c.OnDrain(m.onDrain)
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

// find returns the room with a name, and opens it if necessary. The room may be closed
// before the caller locks it.
func (rs *rooms) find(name string) (*room, error) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r := rs.open[name]
	if r == nil {
		if len(rs.open) >= maxRooms {
			return nil, errTooManyRooms
		}
		r = &room{name: name, rooms: rs, members: map[string]*member{}}
		r.backlog.rooms, r.lists.rooms = rs, rs
		rs.open[name] = r
	}
	return r, nil
}

// backlogLimit returns how many bytes a member may be behind.
func (rs *rooms) backlogLimit() int { return rs.currentLimit(rs.maxBacklog) }

// listsLimit returns how many bytes the lists of members in a room may have.
func (rs *rooms) listsLimit() int { return rs.currentLimit(maxLists) }

// currentLimit returns the usual limit, or a lower one while all rooms together have
// queued too much.
func (rs *rooms) currentLimit(usual int) int {
	if rs.queued.Load() > rs.maxQueued {
		return min(reducedLimit, usual)
	}
	return usual
}
