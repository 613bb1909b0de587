// Clients that come back: who they say they are, and what they missed.

package socketio

import (
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"framescope/server/engineio"
)

// claim is what a client that comes back says.
type claim struct {
	PID    string `json:"pid"`
	Offset string `json:"offset"`
}

var errReplaced = errors.New("socket.io: the client has come back on another connection")

// takeOver ends the socket of a client that is back before its old connection was found to be dead.
func (r *recovery) takeOver(auth []byte) {
	var c claim
	if json.Unmarshal(auth, &c) != nil || c.PID == "" {
		return
	}
	r.namespace.mu.RLock()
	old := r.live[c.PID]
	r.namespace.mu.RUnlock()
	if old != nil {
		old.end(Reason(engineio.ReasonTransportClose.String()))
		old.client.close(errReplaced)
	}
}

// restore makes the socket of a client what it was before, if the client says who it is. Otherwise
// it becomes one that can come back.
func (r *recovery) restore(s *Socket, auth []byte) {
	defer func() { r.live[s.pid] = s }()
	var c claim
	if json.Unmarshal(auth, &c) == nil && r.restoreAs(s, c) {
		return
	}
	s.pid, s.first = newID(), r.next()
}

func (r *recovery) restoreAs(s *Socket, c claim) bool {
	if old := r.live[c.PID]; old != nil && old.state.Load() == stateGone {
		r.namespace.take(old, old.whyEnded()) // what has ended it has not come to that yet
	}
	a := r.absent[c.PID]
	if a == nil {
		return false
	}
	r.forget(c.PID)
	next := a.first // the client has received nothing
	if c.Offset != "" {
		last, err := strconv.ParseUint(c.Offset, 36, 64)
		if err != nil {
			return false
		}
		next = last + 1
	}
	if next < r.first || next > r.next() || time.Since(a.since) > r.window || r.namespace.sockets[a.id] != nil {
		return false
	}
	s.id, s.pid, s.first, s.recovered, s.values = a.id, c.PID, next, true, a.values
	for _, room := range a.rooms {
		r.namespace.join(s, room)
	}
	if !r.holdMissed(s, next) {
		for _, room := range a.rooms {
			r.namespace.leave(s, room)
		}
		s.id, s.pid, s.recovered, s.values = "", "", false, nil
		return false
	}
	return true
}

// holdMissed has the socket be sent the events from a number on when it is connected. It fails if they
// are too large.
func (r *recovery) holdMissed(s *Socket, next uint64) bool {
	size := 0
	for _, e := range r.events[next-r.first:] {
		if (len(e.rooms) == 0 || s.in(e.rooms)) && !s.in(e.except) {
			s.held = append(s.held, e.packet)
			if size += e.size; size > maxMissed {
				s.held = nil
				return false
			}
		}
	}
	return true
}
