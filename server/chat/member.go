// A member of a chat room.

package chat

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/time/rate"

	"framescope/server/hub"
)

// member is a member of a room. The room's mutex guards the fields that change, except for
// the atomic ones and the limits, which belong to the goroutine that reads from the member.
type member struct {
	name  string
	asked string   // the name that it asked for, or ""
	size  int      // bytes of the name in a list
	out   outlet   // nil for a member of another instance
	peer  hub.Peer // that instance, or ""
	room  *room

	pace   *rate.Limiter // of what it sends
	typing *rate.Limiter // of its typing; nil until it types

	admitted chan struct{} // closed when it has been announced
	here     bool          // it has been announced, by its present name
	welcomed bool          // it has been announced once: admitted is closed
	gone     bool          // its connection has ended
	slow     bool          // it was dropped because it is too far behind

	welcome *message // to be sent first, or nil
	list    *list    // to be sent next, beginning with piece, or nil
	piece   int
	direct  []directMessage // for this member alone
	waiting int             // bytes in direct
	next    uint64          // number of the message in the backlog to be sent after these
	behind  bool            // its outlet has not been given everything

	given, givenBytes int // messages given since everything had been sent

	// delivered is next, or othersPending while something else is to be sent. onDrain reads
	// it without the mutex.
	delivered atomic.Uint64
	sending   atomic.Bool // its outlet has been given messages that are not sent yet
	progress  *sync.Cond  // what say waits for, or nil
}

func newMember(perSecond int) *member {
	return &member{
		admitted: make(chan struct{}),
		pace:     rate.NewLimiter(rate.Limit(perSecond), 2*perSecond),
	}
}

// currentName returns m's name, which another instance may change.
func (m *member) currentName() string {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	return m.name
}

func namesOf(members []*member) []string {
	names := make([]string, len(members))
	for i, m := range members {
		names[i] = m.name
	}
	return names
}

func byName(a, b *member) int { return strings.Compare(a.name, b.name) }

// dropSlow marks m as too far behind: it is sent nothing more.
func (m *member) dropSlow() {
	m.slow, m.behind = true, false
	m.discardPending()
}

// signalProgress wakes a say that waits in waitWhileBehind.
func (m *member) signalProgress() {
	if m.progress != nil {
		m.progress.Signal()
	}
}

// waitWhileBehind waits while m is further behind than a member that says something may
// be. m.room.mu is held.
func (m *member) waitWhileBehind() {
	for !m.slow && !m.gone && !m.out.ended() &&
		(m.room.backlog.bytesFrom(m.next) > m.room.senderLimit() || m.waiting > m.room.rooms.directLimit()/2) {
		if m.progress == nil {
			m.progress = sync.NewCond(&m.room.mu)
		}
		m.progress.Wait()
	}
}

// insert merges newcomers into members. Both are sorted.
func insert(members, newcomers []*member) []*member {
	all := make([]*member, 0, len(members)+len(newcomers))
	for _, m := range newcomers {
		n, _ := slices.BinarySearchFunc(members, m, byName)
		all = append(append(all, members[:n]...), m)
		members = members[n:]
	}
	return append(all, members...)
}
