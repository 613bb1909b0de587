// Claims: members of other instances whose names are in use here, until those are free.

package chat

import (
	"slices"

	"framescope/server/hub"
)

// claims are members of other instances, by name, that are not in the room since another member
// has their name: that of the instance with the smallest id. Usually their instance gives them another
// name soon. But it does not if the other member has left before it heard of that: then they
// come into the room instead. Instances hear of the same events in different orders.
type claims map[string][]*member

// of returns the claim of an instance to a name, or nil.
func (c claims) of(from hub.Peer, name string) *member {
	for _, m := range c[name] {
		if m.peer == from {
			return m
		}
	}
	return nil
}

func (c claims) add(m *member) { c[m.name] = append(c[m.name], m) }

func (c claims) remove(m *member) {
	left := slices.DeleteFunc(c[m.name], func(o *member) bool { return o == m })
	if c[m.name] = left; len(left) == 0 {
		delete(c, m.name)
	}
}

// next returns the claim to a name of the instance with the smallest id, or nil.
func (c claims) next(name string) (first *member) {
	for _, m := range c[name] {
		if first == nil || m.peer < first.peer {
			first = m
		}
	}
	return first
}

// dropClaims forgets the claims of an instance, except to some names; r.mu is held.
func (r *room) dropClaims(from hub.Peer, except map[string]bool) {
	for name := range r.sharing.claims {
		if m := r.sharing.claims.of(from, name); m != nil && !except[name] {
			r.sharing.claims.remove(m)
			r.forget(m)
		}
	}
}

// passOn has the member with the first claim to a name come into the room, if the name is free.
// r.mu is held.
func (r *room) passOn(name string) {
	if m := r.sharing.claims.next(name); m != nil && r.members[name] == nil {
		r.sharing.claims.remove(m)
		r.arrive(m)
	}
}

// arrive has a member of another instance come with the next announcement; r.mu is held.
func (r *room) arrive(m *member) {
	r.members[m.name] = m
	r.announcement.arrivals = append(r.announcement.arrivals, m)
}
