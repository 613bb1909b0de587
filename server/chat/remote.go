// Members of other instances: how they arrive, leave, and get another name.

package chat

import (
	"strings"
	"time"

	"framescope/server/hub"
)

// PeerLeft implements [hub.Receiver].
func (r *room) PeerLeft(peer hub.Peer, why error) {
	reason := lost
	if why != nil {
		reason = oneLine(why.Error())
	}
	r.change(func() {
		delete(r.sharing.states, peer)
		r.dropClaims(peer, nil)
		for _, m := range r.members {
			if m.peer == peer {
				r.departRemote(m, reason)
			}
		}
	})
}

// speaker returns the member of another instance for which that instance speaks, once the
// members here know of it, or nil.
func (r *room) speaker(from hub.Peer, name string) *member {
	m := r.members[name]
	if m == nil || m.peer != from {
		return nil
	}
	for tries := 0; !m.here && tries < maxRemote/maxAnnounced; tries++ {
		r.sharing.settling = false
		r.announcement.stop()
		closeSoon(r.announce(time.Now()))
	}
	return m
}

// closeSoon closes the connections of members that were dropped, while the room's mutex is
// held.
func closeSoon(slow []*member) {
	if len(slow) > 0 {
		go closeAll(slow)
	}
}

func (r *room) arriveRemote(from hub.Peer, names []string) {
	for _, name := range names {
		if m := r.members[name]; (m == nil || m.peer != from) && r.sharing.claims.of(from, name) == nil && !r.addRemote(from, name) {
			continue
		}
		if state := r.sharing.states[from]; state != nil {
			state[name] = true
		}
	}
}

// addRemote adds a member of another instance, if it may. If its name is in use, the instance
// with the smaller id keeps it; the other renames its member.
func (r *room) addRemote(from hub.Peer, name string) (added bool) {
	if !validName(name) {
		return false
	}
	other := r.members[name]
	if other != nil && other.peer == "" && from < r.rooms.hub.Self() {
		r.rename(other)
		other = nil
	}
	if r.sharing.remotes >= maxRemote || r.rooms.remotes.Load() >= maxRemotes {
		r.passOn(name)
		return false
	}
	m := &member{name: name, room: r, peer: from, size: sizeInList(name)}
	r.sharing.remotes++
	r.rooms.remotes.Add(1)
	r.rooms.memory.AddShared(int64(remoteSize + len(name)))
	switch {
	case other == nil:
		r.arrive(m)
	case other.peer == "" || other.peer < from:
		r.sharing.claims.add(m)
	default:
		other.gone = true
		r.sharing.claims.add(&member{name: name, room: r, peer: other.peer, size: other.size})
		r.withdraw(other, renamed)
		r.arrive(m)
	}
	return true
}

// forget undoes what addRemote has counted.
func (r *room) forget(m *member) {
	if m.peer == "" {
		return
	}
	r.sharing.remotes--
	r.rooms.remotes.Add(-1)
	r.rooms.memory.SubShared(int64(remoteSize + len(m.name)))
}

func (r *room) leaveRemote(from hub.Peer, e *event) {
	names := e.named()
	for i, name := range names {
		reason := e.Reason
		if i < len(e.Reasons) {
			reason = e.Reasons[i]
		}
		if reason = oneLine(reason); reason == "" {
			reason = lost
		}
		if m := r.members[name]; m != nil && m.peer == from {
			r.departRemote(m, reason)
		} else if m = r.sharing.claims.of(from, name); m != nil {
			r.sharing.claims.remove(m)
			r.forget(m)
		}
	}
}

// oneLine returns what is shown of a text from another instance, "" if that is nothing.
func oneLine(text string) string {
	if text, refused := checkText(text); refused == nil {
		return clipped(strings.Join(strings.Fields(text), " "))
	}
	return ""
}

// departRemote has a member of another instance leave.
func (r *room) departRemote(m *member, reason string) {
	m.gone = true
	r.forget(m)
	r.depart(m, reason)
}

// rename gives a member of this instance another name, since an instance with a smaller id
// has a member of the same name. It leaves and joins again.
func (r *room) rename(m *member) {
	a := &r.announcement
	delete(r.members, m.name)
	// The name itself is taken from now on.
	asked := m.asked
	if asked == "" {
		asked = m.name
	}
	name := freeName(asked, func(name string) bool { return name == m.name || r.members[name] != nil })
	if m.here {
		a.departures = append(a.departures, departure{m, m.name, renamed})
		a.arrivals = append(a.arrivals, m)
		m.here = false
	}
	m.name, m.size = name, sizeInList(name)
	r.members[name] = m
}

// endState removes the members of an instance that its state has not named.
func (r *room) endState(from hub.Peer) {
	named, ok := r.sharing.states[from]
	if !ok {
		return
	}
	delete(r.sharing.states, from)
	r.dropClaims(from, named)
	for name, m := range r.members {
		if m.peer == from && !named[name] {
			r.departRemote(m, lost)
		}
	}
	r.settled()
}

func sizeInList(name string) int { return len(marshal(name)) + len(",") }
