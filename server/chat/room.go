// A chat room: its members, and sending a message to all of them.

package chat

import (
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"golang.org/x/time/rate"
)

// room is a chat room. Its mutex guards it and its members.
type room struct {
	name       string
	rooms      *rooms
	backlogEnd atomic.Uint64 // backlog.nextNumber(), to be read without the mutex

	mu        sync.Mutex
	closed    bool               // it has been removed from rooms.open
	members   map[string]*member // by name, with those not announced yet
	guests    int                // number of the last guest name
	locals    int                // members of this instance
	announced []*member          // members that have been announced, sorted by name
	receivers []*member          // those of them that are members of this instance
	numBehind int                // number of receivers for which behind is true
	typing    *rate.Limiter      // of deliveries; nil until somebody types

	backlog      backlog
	lists        lists
	announcement announcement
	sharing      sharing
}

// join adds m to the room, unless that is closed or full, and waits until m has been
// announced.
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
	case len(r.members) >= maxMembers:
		return nil, true, errRoomFull
	}
	r.enter()
	m.room, m.asked, m.name = r, name, r.freeName(name)
	m.size = sizeInList(m.name)
	r.members[m.name] = m
	r.locals++
	r.announcement.arrivals = append(r.announcement.arrivals, m)
	return r.announceSoon(), true, nil
}

func (r *room) freeName(name string) string {
	taken := func(name string) bool { return r.members[name] != nil }
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

// leave removes a member and announces the reason to the others. An empty room is closed.
func (r *room) leave(m *member, reason string) { closeAll(r.remove(m, reason)) }

func (r *room) remove(m *member, reason string) (slow []*member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m.gone = true
	m.discardPending()
	r.updateBehind(m)
	r.depart(m, reason)
	if r.locals--; r.locals == 0 {
		r.close()
		return nil
	}
	return r.announceSoon()
}

// depart has a member leave with the next announcement; r.mu is held.
func (r *room) depart(m *member, reason string) {
	r.withdraw(m, reason)
	r.passOn(m.name)
}

// withdraw is depart for a member whose name another gets.
func (r *room) withdraw(m *member, reason string) {
	delete(r.members, m.name)
	a := &r.announcement
	if !m.here { // nobody knows of it
		a.arrivals = slices.DeleteFunc(a.arrivals, func(o *member) bool { return o == m })
		if m.welcomed { // it was getting another name
			r.receivers = slices.DeleteFunc(r.receivers, func(o *member) bool { return o == m })
		}
		return
	}
	a.departures = append(a.departures, departure{m, m.name, reason})
}

// close removes the room from the open ones. r.mu is held.
func (r *room) close() {
	r.closed = true
	r.publishLeaves(r.announcement.departures)
	r.exit()
	r.announcement.stop()
	r.backlog.dropBefore(r.backlog.nextNumber())
	r.rooms.mu.Lock()
	delete(r.rooms.open, r.name)
	r.rooms.mu.Unlock()
}

// broadcast gives what was added to the backlog to all members whose outlets have not more
// than a batch to send; the others get it when they have sent that. It returns the members
// that are too far behind. The caller closes them after it has unlocked r.mu, which it
// holds.
func (r *room) broadcast() (slow []*member) {
	end := r.backlog.nextNumber()
	r.backlogEnd.Store(end)
	first, oldest := r.backlog.firstWithin(r.rooms.backlogLimit()), end
	r.numBehind = 0
	for _, m := range r.receivers {
		if m.gone || m.slow {
			continue
		}
		if m.deliver(); m.next < first {
			m.dropSlow()
			slow = append(slow, m)
			continue
		}
		if m.behind = !m.caughtUp(); m.behind {
			r.numBehind++
			oldest = min(oldest, m.next)
		}
	}
	r.backlog.dropBefore(oldest)
	return slow
}

// updateBehind is called after m's connection has been given messages. r.mu is held.
func (r *room) updateBehind(m *member) {
	if !m.behind || !m.caughtUp() {
		return
	}
	m.behind = false
	if r.numBehind--; r.numBehind == 0 {
		r.backlog.dropBefore(r.backlog.nextNumber())
	}
}

// senderLimit returns how many bytes a member may be behind before say waits for it.
func (r *room) senderLimit() int { return r.rooms.backlogLimit() / 4 }

// dropSlowNewcomers drops the newcomers that have been reading their list for longest,
// until the lists are small enough. r.mu is held.
func (r *room) dropSlowNewcomers() (slow []*member) {
	for limit := r.rooms.listsLimit(); len(r.lists.all) > 1 && r.lists.size > limit; {
		oldest := r.lists.all[0]
		for _, m := range r.receivers {
			if m.list == oldest {
				m.dropSlow()
				slow = append(slow, m)
			}
		}
	}
	return slow
}

// closeAll closes the connections of members that were dropped. Each then leaves the room
// in its own goroutine.
func closeAll(members []*member) {
	for _, m := range members {
		m.out.drop(tooSlow)
	}
}
