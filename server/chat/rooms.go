// The open chat rooms, and the limits on what they keep.

package chat

import (
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"framescope/server/hub"
	"framescope/server/websocket"
)

const (
	maxRooms   = 1000
	maxMembers = 10000 // of a room

	// Limits, in bytes, on what is queued for members that are behind. Options.SendQueue,
	// if it is set, replaces defaultBacklog.
	defaultBacklog = 1 << 20  // of one room
	maxLists       = 16 << 20 // of one room
	maxHistories   = 16 << 20 // histories of all rooms, or a sixteenth of the server's budget
	maxQueued      = 64 << 20 // of all rooms, or a quarter of the server's budget if that is less
	reducedLimit   = 64 << 10 // of one room, while all rooms together exceed theirs
)

// rooms is the set of open rooms. Its mutex is held only to find, open or remove a room.
type rooms struct {
	maxBacklog int
	memory     budget
	maxQueued  int64
	queued     atomic.Int64 // bytes, in all rooms
	histories  histories
	hub        hub.Hub      // nil without other instances
	remotes    atomic.Int64 // members of other instances, in all rooms
	log        *slog.Logger

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
	rs.histories.init(maxHistories, rs.memory)
	if limit := rs.memory.Limit(); limit > 0 {
		rs.maxQueued = min(maxQueued, limit/4)
		rs.histories.init(min(maxHistories, limit/16), rs.memory)
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
	errTooManyRooms = errors.New("too many rooms are open: join one of them, or try again later")
	errRoomFull     = errors.New("the room is full: join another, or try again later")
)

// join adds a member to a room, which it opens if necessary, and returns when it has been
// announced.
func (rs *rooms) join(m *member, roomName, name string) error {
	for {
		r, err := rs.find(roomName)
		if err != nil {
			return err
		}
		if open, err := r.join(m, name); open {
			return err
		}
	}
}

// hasSpace returns the error with which a member could not join a room at present.
func (rs *rooms) hasSpace(roomName string) error {
	rs.mu.Lock()
	r, open := rs.open[roomName], len(rs.open)
	rs.mu.Unlock()
	if r == nil {
		if open >= maxRooms {
			return errTooManyRooms
		}
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.members) >= maxMembers {
		return errRoomFull
	}
	return nil
}

// named returns the open room of a name, or all if the name is "".
func (rs *rooms) named(name string) []*room {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if name == "" {
		return slices.Collect(maps.Values(rs.open))
	}
	if r := rs.open[name]; r != nil {
		return []*room{r}
	}
	return nil
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

// directLimit returns how many bytes may wait that are for one member alone.
func (rs *rooms) directLimit() int {
	if rs.queued.Load() > rs.maxQueued {
		return 0
	}
	return maxDirect
}

// currentLimit returns the usual limit, or a lower one while all rooms together have
// queued too much.
func (rs *rooms) currentLimit(usual int) int {
	if rs.queued.Load() > rs.maxQueued {
		return min(reducedLimit, usual)
	}
	return usual
}
