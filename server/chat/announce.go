// Announcements: who comes and goes, told at once while that is cheap, else gathered.

package chat

import (
	"encoding/json"
	"slices"
	"time"
)

const (
	// perMember is how much later the next announcement comes for each member who is
	// told of this one: a tenth of a second after one to ten thousand. What is told at
	// once may be ahead of that by the burst.
	perMember = 10 * time.Microsecond
	burst     = 5 * time.Millisecond
	// maxDelay is how long one waits while the room is crowded.
	maxDelay = time.Second
	// maxAnnounced is how many come, and how many go, in one announcement.
	maxAnnounced = 2000
)

// announcement is what the next one holds, and when it comes. The room's lock guards it.
type announcement struct {
	arrivals   []*member
	departures []departure
	earliest   time.Time
	due        time.Time   // since when those above wait
	timer      *time.Timer // that announces them, or nil
}

type departure struct {
	member *member
	why    string
}

func (a *announcement) stop() {
	if a.timer != nil {
		a.timer.Stop()
		a.timer = nil
	}
}

// announceSoon announces who has come and gone: now, if that was not done just before. It
// returns members to close, as broadcast does. r.mu is held.
func (r *room) announceSoon() (slow []*member) {
	a := &r.announcement
	if a.timer != nil {
		return nil
	}
	now := time.Now()
	if !a.earliest.After(now) && !r.crowded() {
		return r.announce(now)
	}
	a.due = later(now, a.earliest)
	a.timer = time.AfterFunc(max(a.due.Sub(now), r.pause()), r.announceLate)
	return nil
}

// announceLate announces who has waited.
func (r *room) announceLate() { closeAll(r.announceWaiting()) }

func (r *room) announceWaiting() (slow []*member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	a, now := &r.announcement, time.Now()
	if r.crowded() && now.Sub(a.due) < maxDelay {
		a.timer = time.AfterFunc(r.pause(), r.announceLate)
		return nil
	}
	a.timer = nil
	return r.announce(now)
}

// crowded tells whether most members have still to be sent what there was before, or
// newcomers lists that take much.
func (r *room) crowded() bool {
	return r.behind > len(r.present)/2 || r.lists.size > r.rooms.lists()/2
}

// pause is the time between two announcements.
func (r *room) pause() time.Duration {
	return max(time.Duration(len(r.present))*perMember, time.Millisecond)
}

// announce tells of those that have gone and then, if that are all of them, of those that
// have come, whom it welcomes. In this order a name is never told to be there twice.
// r.mu is held.
func (r *room) announce(now time.Time) (slow []*member) {
	a := &r.announcement
	r.tellDepartures()
	if len(a.departures) == 0 {
		slow = r.tellArrivals()
	}
	slow = append(slow, r.broadcast()...)
	a.earliest = later(a.earliest, now.Add(-burst)).Add(time.Duration(len(r.present)) * perMember)
	if len(a.departures)+len(a.arrivals) > 0 {
		a.due = later(now, a.earliest)
		a.timer = time.AfterFunc(max(a.due.Sub(now), r.pause()), r.announceLate)
	}
	return slow
}

func (r *room) tellDepartures() {
	a := &r.announcement
	n := min(len(a.departures), maxAnnounced)
	if n == 0 {
		return
	}
	gone := map[*member]bool{}
	members := make([]*member, 0, n)
	reasons := make([]string, 0, n)
	for _, d := range a.departures[:n] {
		gone[d.member] = true
		members, reasons = append(members, d.member), append(reasons, d.why)
	}
	a.departures = slices.Delete(a.departures, 0, n)
	left := len(r.present)
	for len(members) > 0 {
		n := piece(members)
		left -= n
		r.backlog.add(leaveEvent(namesOf(members[:n]), reasons[:n], left))
		members, reasons = members[n:], reasons[n:]
	}
	r.present = slices.DeleteFunc(r.present, func(m *member) bool { return gone[m] })
}

func (r *room) tellArrivals() (slow []*member) {
	a := &r.announcement
	n := min(len(a.arrivals), maxAnnounced)
	if n == 0 {
		return nil
	}
	newcomers := slices.Clone(a.arrivals[:n])
	a.arrivals = slices.Delete(a.arrivals, 0, n)
	slices.SortFunc(newcomers, byName)
	there := len(r.present)
	for rest := newcomers; len(rest) > 0; {
		n := piece(rest)
		there += n
		r.backlog.add(joinEvent(namesOf(rest[:n]), there))
		rest = rest[n:]
	}
	r.present = insert(r.present, newcomers)
	r.welcome(newcomers)
	for _, m := range newcomers {
		close(m.admitted)
	}
	return r.dropOldLists()
}

// welcome makes what newcomers, who are among the present already, are sent first.
func (r *room) welcome(newcomers []*member) {
	names, more := json.RawMessage("[]"), true
	var list *list
	if piece(r.present) == len(r.present) {
		names, more = marshal(namesOf(r.present)), false
	} else {
		list = r.lists.add(r.present, len(newcomers))
	}
	next := r.backlog.next()
	for _, m := range newcomers {
		m.welcome = new(welcomeEvent(r.name, m.name, names, more))
		m.list, m.next = list, next
		m.setGiven()
	}
}

// later is the later of two moments.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
