// A chat room: its members, and sending a message to all of them.

package chat

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// typingDeliveries is how many members of a room may be told each second that somebody
// types. Beyond it typing is not shown: it is news for few, not for a crowd.
const typingDeliveries = 20_000

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
	m.room, m.name = r, r.freeName(name)
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
	delete(r.members, m.name)
	a := &r.announcement
	if !m.here { // nobody knows of it
		a.arrivals = slices.DeleteFunc(a.arrivals, func(o *member) bool { return o == m })
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

// say sends what m says to everyone in the room, m included. It waits while m itself is
// far behind, so that no member can say more than the server is able to send to all.
func (r *room) say(m *member, text string) { closeAll(r.addMessage(m, text)) }

func (r *room) addMessage(m *member, text string) (slow []*member) {
	now, name := time.Now(), m.currentName()
	msg := chatMessage(name, text, now)
	r.mu.Lock()
	defer r.mu.Unlock()
	if m.waitWhileBehind(); m.slow {
		return nil
	}
	if m.name != name {
		msg = chatMessage(m.name, text, now)
	}
	r.publishMessage(msg)
	r.addSaid(msg)
	return r.broadcast()
}

func (r *room) addSaid(msg *message) {
	r.rooms.histories.add(r.name, msg)
	r.backlog.add(msg)
}

// announceText sends a message of the server to everyone, and returns how many they are.
func (r *room) announceText(msg *message) (receivers int) {
	slow, receivers := r.addText(msg)
	closeAll(slow)
	return receivers
}

func (r *room) addText(msg *message) (slow []*member, receivers int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, 0
	}
	r.backlog.add(msg)
	slow = r.broadcast()
	for _, m := range r.receivers {
		if !m.gone && !m.slow {
			receivers++
		}
	}
	return slow, receivers
}

// tell sends a message to m alone, and waits while m is far behind.
func (r *room) tell(m *member, msg *message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m.waitWhileBehind()
	m.addDirect(msg)
}

// sayTo sends a private message to its receiver and to its sender.
func (r *room) sayTo(m *member, q request) *refusal {
	r.mu.Lock()
	defer r.mu.Unlock()
	m.waitWhileBehind()
	name, text := "", q.text
	if q.to != nil {
		name = *q.to
	} else if name, text = splitPrivate(q.text, func(name string) bool { return r.find(name) != nil }); text == "" {
		return refuseRequest("empty", "nothing is said: write /msg NAME TEXT")
	}
	to := r.find(name)
	if to == nil {
		return refuseAbsent(name)
	}
	sent, received := privateMessages(m.name, name, text, time.Now())
	if !to.hasRoomFor(received) {
		return refuseBusy(name)
	}
	m.addDirect(sent)
	switch {
	case to == m:
	case to.peer == "":
		to.addDirect(received)
	default:
		r.sharing.topic.Send(to.peer, received.text)
	}
	return nil
}

func refuseAbsent(name string) *refusal {
	return refuseRequest("no-such-member", fmt.Sprintf("nobody named %s is here", strconv.Quote(clipped(name))))
}

func refuseBusy(name string) *refusal {
	return refuseRequest("busy", clipped(name)+" has not read earlier messages yet: try again later")
}

// find returns the member of a name that has been announced, or nil. r.mu is held.
func (r *room) find(name string) *member {
	if m := r.members[name]; m != nil && m.here {
		return m
	}
	return nil
}

// setTyping tells the others that m types or has stopped.
func (r *room) setTyping(m *member, on bool) *refusal {
	if m.typing == nil {
		m.typing = rate.NewLimiter(rate.Every(time.Second), 5)
	}
	if !m.typing.Allow() {
		return refuseRequest("too-fast", "typing is sent too often: once in two seconds is enough")
	}
	slow := r.addTyping(m, on)
	closeAll(slow)
	return nil
}

func (r *room) addTyping(m *member, on bool) (slow []*member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m.slow || !r.allowTyping() {
		return nil
	}
	msg := typingMessage(m, on)
	r.publishMessage(msg)
	r.backlog.add(msg)
	return r.broadcast()
}

// allowTyping reports whether the receivers may be told now that somebody types.
func (r *room) allowTyping() bool {
	if r.typing == nil {
		r.typing = rate.NewLimiter(typingDeliveries, typingDeliveries)
	}
	return r.typing.AllowN(time.Now(), len(r.receivers))
}

// who tells m who is here.
func (r *room) who(m *member, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m.waitWhileBehind()
	m.addDirect(whoMessage(id, r.announced))
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
