// A room: who is in it, and saying something to all.

package chat

import (
	"strconv"
	"sync"
	"sync/atomic"
)

// room is guarded by its own lock.
type room struct {
	name  string
	rooms *rooms
	last  atomic.Uint64 // backlog.next()

	mu      sync.Mutex
	closed  bool // it is not among the open ones any more
	taken   map[string]*member
	guests  int       // names given out
	present []*member // those that have been announced, sorted by name
	behind  int       // how many of them are

	backlog      backlog
	lists        lists
	announcement announcement
}

// join adds m, unless the room is closed or full, and waits until it is announced.
func (r *room) join(m *member, name string) (open bool, err error) {
	slow, open, err := r.add(m, name)
	closeAll(slow)
	if open && err == nil {
		<-m.admitted
	}
	return open, err
}

func (r *room) add(m *member, name string) (slow []*member, open bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return nil, false, nil
	case len(r.taken) >= maxMembers:
		return nil, true, errRoomFull
	}
	m.room, m.name = r, r.freeName(name)
	m.size = len(marshal(m.name)) + len(",")
	r.taken[m.name] = m
	r.announcement.arrivals = append(r.announcement.arrivals, m)
	return r.announceSoon(), true, nil
}

func (r *room) freeName(name string) string {
	taken := func(name string) bool { return r.taken[name] != nil }
	if name != "" {
		return freeName(name, taken)
	}
	for {
		r.guests++
		if guest := "guest-" + strconv.Itoa(r.guests); !taken(guest) {
			return guest
		}
	}
}

// leave takes a member out and tells the others why; an empty room is closed.
func (r *room) leave(m *member, why string) { closeAll(r.remove(m, why)) }

func (r *room) remove(m *member, why string) (slow []*member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m.gone = true
	m.forget()
	r.noteProgress(m)
	delete(r.taken, m.name)
	if len(r.taken) == 0 {
		r.close()
		return nil
	}
	r.announcement.departures = append(r.announcement.departures, departure{m, why})
	return r.announceSoon()
}

// close gives the room's name free. r.mu is held.
func (r *room) close() {
	r.closed = true
	r.announcement.stop()
	r.backlog.drop(r.backlog.next())
	r.rooms.mu.Lock()
	delete(r.rooms.open, r.name)
	r.rooms.mu.Unlock()
}

// say tells everyone in the room, the one who says it too. It waits while that one is
// itself far behind: so nobody can say more than the server is able to send to all.
func (r *room) say(m *member, what message) { closeAll(r.tell(m, what)) }

func (r *room) tell(m *member, what message) (slow []*member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m.awaitTurn(); m.slow {
		return nil
	}
	r.backlog.add(what)
	return r.broadcast()
}

// broadcast gives what was added to the backlog to all whose connections have nothing
// else to send; the others come for it. It returns those that are too far behind, for the
// caller to close when r.mu, which is held, is free.
func (r *room) broadcast() (slow []*member) {
	end := r.backlog.next()
	r.last.Store(end)
	keep, oldest := r.backlog.within(r.rooms.backlog()), end
	r.behind = 0
	for _, m := range r.present {
		if m.gone || m.slow {
			continue
		}
		if !m.sending.Load() {
			m.deliver()
		}
		if m.next < keep {
			m.drop()
			slow = append(slow, m)
			continue
		}
		if m.behind = !m.caughtUp(); m.behind {
			r.behind++
			oldest = min(oldest, m.next)
		}
	}
	r.backlog.drop(oldest)
	return slow
}

// noteProgress is called when m has been given more. r.mu is held.
func (r *room) noteProgress(m *member) {
	if !m.behind || !m.caughtUp() {
		return
	}
	m.behind = false
	if r.behind--; r.behind == 0 {
		r.backlog.drop(r.backlog.next())
	}
}

// window is how many bytes a member may be behind and still be heard.
func (r *room) window() int { return r.rooms.backlog() / 4 }

// dropOldLists drops the newcomers that take longest to take in their list, while lists
// take too much. r.mu is held.
func (r *room) dropOldLists() (slow []*member) {
	for limit := r.rooms.lists(); len(r.lists.all) > 1 && r.lists.size > limit; {
		oldest := r.lists.all[0]
		for _, m := range r.present {
			if m.list == oldest {
				m.drop()
				slow = append(slow, m)
			}
		}
	}
	return slow
}

// closeAll ends the connections of members that were dropped. Each leaves by its own
// goroutine.
func closeAll(members []*member) {
	for _, m := range members {
		m.conn.CloseNow()
	}
}
