// Recovery: clients that lost their connection and come back within a time have their id, rooms,
// values and the events that they missed.

package socketio

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"framescope/server/engineio"
)

// recovery is part of a namespace, whose mutex guards it. Each event is kept for the window, with
// its number, which is sent as its last argument; a client that comes back names the last that it
// has received.
type recovery struct {
	namespace *Namespace
	window    time.Duration
	events    []missable // the oldest first
	first     uint64     // the number of events[0]
	bytes     int
	absent    map[string]*absent // by pid
	live      map[string]*Socket // by pid
	timer     *time.Timer        // drops what is too old; nil while nothing is kept
}

// missable is an event that somebody may miss.
type missable struct {
	sent          time.Time
	rooms, except []string
	packet        []*engineio.Message
	size          int
}

// absent is what is kept of a socket whose client may come back.
type absent struct {
	since  time.Time
	id     string
	rooms  []string
	values map[string]any
	first  uint64
}

// Bounds of what is kept. Beyond them the oldest events are forgotten, and clients that leave are
// not kept.
const (
	maxKeptBytes  = 16 << 20
	maxKeptEvents = 100_000
	maxAbsent     = 10_000
	maxMissed     = 512 << 10 // bytes that a client may miss: it has to be sent them at once
	absentSize    = 512       // what is counted for each, beside the names of its rooms
	missableSize  = 128
)

// recoverable reports whether the client may come back: not if either side wanted to part.
func (r Reason) recoverable() bool {
	switch r {
	case Reason(engineio.ReasonTransportClose.String()), Reason(engineio.ReasonTransportError.String()), Reason(engineio.ReasonPingTimeout.String()):
		return true
	}
	return false
}

func newRecovery(n *Namespace, window time.Duration) *recovery {
	return &recovery{namespace: n, window: window, absent: map[string]*absent{}, live: map[string]*Socket{}}
}

// next returns the number that the next event will have.
func (r *recovery) next() uint64 { return r.first + uint64(len(r.events)) }

// emit sends an event and keeps it.
func (r *recovery) emit(rooms, except []string, event string, args []any) error {
	n := r.namespace
	n.mu.Lock()
	defer n.mu.Unlock()
	b := getBuffer()
	offset := strconv.FormatUint(r.next(), 36)
	e, err := encodeEvent(b.bytes, n.name, noID, event, append(slices.Clip(args), offset))
	if err == nil {
		packet := e.messages()
		n.send(rooms, except, packet)
		r.add(missable{time.Now(), rooms, except, packet, e.size() + missableSize})
	}
	b.put(e.text)
	return err
}

func (r *recovery) add(e missable) {
	r.events = append(r.events, e)
	r.account(e.size)
	r.bytes += e.size
	for len(r.events) > maxKeptEvents || r.bytes > maxKeptBytes {
		r.drop(1)
	}
	r.schedule()
}

// drop forgets the oldest events.
func (r *recovery) drop(events int) {
	for i := range events {
		r.account(-r.events[i].size)
		r.bytes -= r.events[i].size
		r.events[i] = missable{}
	}
	r.events, r.first = r.events[events:], r.first+uint64(events)
}

// account counts bytes that are kept, or no longer.
func (r *recovery) account(bytes int) {
	if memory := r.namespace.server.options.Engine.Memory; bytes > 0 {
		memory.AddShared(int64(bytes))
	} else {
		memory.SubShared(int64(-bytes))
	}
}

// schedule starts the timer if something is kept.
func (r *recovery) schedule() {
	if r.timer == nil && len(r.events)+len(r.absent) > 0 {
		r.timer = time.AfterFunc(max(r.window/4, time.Second), r.expire)
	}
}

// expire is called by the timer.
func (r *recovery) expire() {
	r.namespace.mu.Lock()
	defer r.namespace.mu.Unlock()
	if r.timer == nil {
		return // the server has shut down
	}
	r.timer = nil
	oldest := time.Now().Add(-r.window)
	old, _ := slices.BinarySearchFunc(r.events, oldest, func(e missable, t time.Time) int { return e.sent.Compare(t) })
	r.drop(old)
	if len(r.events) == 0 {
		r.events = nil
	}
	for pid, a := range r.absent {
		if a.since.Before(oldest) {
			r.forget(pid)
		}
	}
	r.schedule()
}

// clear forgets everything.
func (r *recovery) clear() {
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
	r.drop(len(r.events))
	for pid := range r.absent {
		r.forget(pid)
	}
}

// left keeps what a socket had that has ended, if its client may come back. It is still in its
// rooms.
func (r *recovery) left(s *Socket, why Reason) {
	delete(r.live, s.pid)
	if !why.recoverable() || len(r.absent) >= maxAbsent || s.namespace.server.options.Engine.Memory.Full() {
		return
	}
	s.mu.Lock()
	values := maps.Clone(s.values)
	s.mu.Unlock()
	a := &absent{time.Now(), s.id, slices.Collect(maps.Keys(s.rooms)), values, s.first}
	r.absent[s.pid] = a
	r.account(a.size())
	r.schedule()
}

func (a *absent) size() int {
	n := absentSize
	for _, room := range a.rooms {
		n += len(room) + 16
	}
	return n
}

func (r *recovery) forget(pid string) {
	r.account(-r.absent[pid].size())
	delete(r.absent, pid)
}
