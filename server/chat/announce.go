// Announcements of members that join and leave: at once while that is cheap, otherwise
// several together.

package chat

import (
	"slices"
	"time"
)

const (
	// delayPerMember is the time until the next announcement, for each member that gets
	// this one: a tenth of a second for ten thousand. Announcements may be ahead of that
	// schedule by burst.
	delayPerMember = 10 * time.Microsecond
	burst          = 5 * time.Millisecond
	// maxDelay is the longest time that an announcement waits because the room is congested.
	maxDelay = time.Second
	// maxAnnounced is the largest number of arrivals, and of departures, announced together.
	maxAnnounced = 2000
)

// announcement is the next announcement of a room: whom it names, and its time. The room's
// mutex guards it.
type announcement struct {
	arrivals   []*member
	departures []departure
	earliest   time.Time
	due        time.Time   // when it was to be made, if the room was not congested
	timer      *time.Timer // makes the announcement; nil if none is waiting
}

type departure struct {
	member       *member
	name, reason string // the member may have another name by now
}

func (a *announcement) stop() {
	if a.timer != nil {
		a.timer.Stop()
		a.timer = nil
	}
}

// announceSoon announces the arrivals and departures: now, unless the last announcement was
// just made. It returns members to close, as broadcast does. r.mu is held.
func (r *room) announceSoon() (slow []*member) {
	a := &r.announcement
	if a.timer != nil {
		return nil
	}
	now := time.Now()
	if !a.earliest.After(now) && !r.congested() {
		return r.announce(now)
	}
	a.due = laterOf(now, a.earliest)
	a.timer = time.AfterFunc(max(a.due.Sub(now), r.interval()), r.announceOnTimer)
	return nil
}

// announceOnTimer is called by the timer of the announcement.
func (r *room) announceOnTimer() { closeAll(r.announceDue()) }

func (r *room) announceDue() (slow []*member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	a, now := &r.announcement, time.Now()
	if r.congested() && now.Sub(a.due) < maxDelay {
		a.timer = time.AfterFunc(r.interval(), r.announceOnTimer)
		return nil
	}
	a.timer = nil
	return r.announce(now)
}

// congested reports whether most members have not been sent all earlier messages, or the
// lists for newcomers are large.
func (r *room) congested() bool {
	return r.numBehind > len(r.receivers)/2 || r.lists.size > r.rooms.listsLimit()/2
}

// interval returns the time between two announcements.
func (r *room) interval() time.Duration {
	return max(time.Duration(len(r.receivers))*delayPerMember, time.Millisecond)
}

// announce announces the departures, and then the arrivals if no departure remains, and
// welcomes those that have arrived. In this order no name is ever announced twice without
// a departure between. r.mu is held.
func (r *room) announce(now time.Time) (slow []*member) {
	a := &r.announcement
	r.announceDepartures()
	if len(a.departures) == 0 {
		slow = r.announceArrivals()
	}
	slow = append(slow, r.broadcast()...)
	a.earliest = laterOf(a.earliest, now.Add(-burst)).Add(time.Duration(len(r.receivers)) * delayPerMember)
	if len(a.departures)+len(a.arrivals) > 0 {
		a.due = laterOf(now, a.earliest)
		a.timer = time.AfterFunc(max(a.due.Sub(now), r.interval()), r.announceOnTimer)
	}
	return slow
}

func (r *room) announceDepartures() {
	a := &r.announcement
	n := min(len(a.departures), maxAnnounced)
	if n == 0 {
		return
	}
	departures := slices.Clone(a.departures[:n])
	a.departures = slices.Delete(a.departures, 0, n)
	gone := map[*member]bool{}
	for _, d := range departures {
		gone[d.member] = true
	}
	r.publishLeaves(departures)
	for total := len(r.announced); len(departures) > 0; {
		names, reasons := firstPiece(departures)
		departures = departures[len(names):]
		total -= len(names)
		r.backlog.add(leaveMessage(names, reasons, total))
	}
	r.announced = slices.DeleteFunc(r.announced, func(m *member) bool { return gone[m] })
	// A member that gets another name remains.
	r.receivers = slices.DeleteFunc(r.receivers, func(m *member) bool { return gone[m] && m.gone })
}

// firstPiece returns the names and reasons of the first departures, as many as fit into one
// piece of a list.
func firstPiece(departures []departure) (names, reasons []string) {
	size := 0
	for _, d := range departures[:min(len(departures), maxPieceNames)] {
		if size += d.member.size; size > maxPieceBytes && len(names) > 0 {
			break
		}
		names, reasons = append(names, d.name), append(reasons, d.reason)
	}
	return names, reasons
}

func (r *room) announceArrivals() (slow []*member) {
	a := &r.announcement
	n := min(len(a.arrivals), maxAnnounced)
	if n == 0 {
		return nil
	}
	newcomers := slices.Clone(a.arrivals[:n])
	a.arrivals = slices.Delete(a.arrivals, 0, n)
	slices.SortFunc(newcomers, byName)
	total := len(r.announced)
	for remaining := newcomers; len(remaining) > 0; {
		n := pieceLen(remaining)
		total += n
		r.backlog.add(joinMessage(namesOf(remaining[:n]), total))
		remaining = remaining[n:]
	}
	r.announced = insert(r.announced, newcomers)
	local := slices.DeleteFunc(newcomers, func(m *member) bool {
		m.here = true
		return m.peer != ""
	})
	r.publishJoins(local)
	r.welcome(local)
	for _, m := range local {
		if !m.welcomed {
			m.welcomed = true
			r.receivers = append(r.receivers, m)
			close(m.admitted)
		}
	}
	return r.dropSlowNewcomers()
}

// laterOf returns the later of two times.
func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
