// A member: what it has to be sent, and how that is handed to its connection.

package chat

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"framescope/server/websocket"
)

// A connection is given what leaves in one write, and no more messages than take little room
// in its queue.
const (
	maxBatch         = 64 << 10 // bytes
	maxBatchMessages = 64
)

// member is guarded by its room's lock, but for what does not change and the atomics.
type member struct {
	name string
	size int // bytes of the name in a list
	conn *websocket.Conn
	room *room

	admitted chan struct{} // closed when it has been announced
	gone     bool          // its connection has ended
	slow     bool          // it was dropped because it is too far behind

	welcome *message // to be sent first, or nil
	list    *list    // to be sent then, from piece on, or nil
	piece   int
	next    uint64 // the message of the backlog to be sent after that
	behind  bool   // it has more to be sent than its connection has been given

	// given is next, or arriving while it has a welcome or a list to be sent: what
	// sent compares without the lock.
	given   atomic.Uint64
	sending atomic.Bool // its connection has been given something that has not left
	turn    *sync.Cond  // what say waits for, or nil
}

const arriving = ^uint64(0)

func namesOf(members []*member) []string {
	names := make([]string, len(members))
	for i, m := range members {
		names[i] = m.name
	}
	return names
}

func byName(a, b *member) int { return strings.Compare(a.name, b.name) }

// deliver gives m's connection the next batch of what m has to be sent.
// m.room.mu is held.
func (m *member) deliver() {
	given := 0
	for n := 0; n < maxBatchMessages && given < maxBatch && !m.slow && !m.gone; n++ {
		next, ok := m.upcoming()
		if !ok {
			break
		}
		m.sending.Store(true)
		if err := m.conn.Send(next.prepared); err != nil {
			if errors.Is(err, websocket.ErrSlowReader) {
				break // something is under way, and sent goes on
			}
			m.forget()
			break
		}
		given += next.size
		m.advance()
	}
	m.wake()
}

// upcoming is what m has to be sent next.
func (m *member) upcoming() (message, bool) {
	switch b := &m.room.backlog; {
	case m.welcome != nil:
		return *m.welcome, true
	case m.list != nil:
		return m.list.pieces[m.piece], true
	case m.next < b.next():
		return b.at(m.next), true
	}
	return message{}, false
}

// advance goes on behind what upcoming returned.
func (m *member) advance() {
	switch {
	case m.welcome != nil:
		m.welcome = nil
	case m.list != nil:
		if m.piece++; m.piece == len(m.list.pieces) {
			m.releaseList()
		}
	default:
		m.next++
	}
	m.setGiven()
}

func (m *member) setGiven() {
	if m.welcome != nil || m.list != nil {
		m.given.Store(arriving)
		return
	}
	m.given.Store(m.next)
}

func (m *member) releaseList() {
	if m.list != nil {
		m.room.lists.release(m.list)
		m.list = nil
	}
}

// forget drops all that m has to be sent: its connection has ended.
func (m *member) forget() {
	m.welcome = nil
	m.releaseList()
	m.next = m.room.backlog.next()
	m.setGiven()
	m.sending.Store(false)
	m.wake()
}

// drop ends what m takes part in: it is too far behind.
func (m *member) drop() {
	m.slow, m.behind = true, false
	m.forget()
}

// wake lets say look again.
func (m *member) wake() {
	if m.turn != nil {
		m.turn.Signal()
	}
}

// caughtUp tells whether m's connection has been given everything.
func (m *member) caughtUp() bool {
	_, more := m.upcoming()
	return !more
}

// sent is called when all that m's connection was given has left. Mostly m is not behind,
// and then nobody waits for the lock: whoever adds to the backlog changes room.last
// first and looks at sending then, here it is the other way round.
func (m *member) sent() {
	m.sending.Store(false)
	r := m.room
	if m.given.Load() == r.last.Load() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	m.deliver()
	r.noteProgress(m)
}

// awaitTurn waits while m itself is too far behind to be heard. r.mu is held.
func (m *member) awaitTurn() {
	for !m.slow && m.conn.Err() == nil && m.room.backlog.behind(m.next) > m.room.window() {
		if m.turn == nil {
			m.turn = sync.NewCond(&m.room.mu)
		}
		m.turn.Wait()
	}
}

// end says why a member leaves, for the others, after its connection ended with err; slow
// tells that it was dropped because it did not keep up.
func (m *member) end(err error) (why string, slow bool) {
	m.room.mu.Lock()
	slow = m.slow
	m.room.mu.Unlock()
	var closed *websocket.CloseError
	switch {
	case slow, errors.Is(err, websocket.ErrSlowReader):
		return tooSlow, true
	case errors.As(err, &closed):
		return closed.Code.String(), false
	}
	return "connection lost", false
}

const tooSlow = "too slow"

// insert adds newcomers, sorted, to members, sorted.
func insert(members, newcomers []*member) []*member {
	all := make([]*member, 0, len(members)+len(newcomers))
	for _, m := range newcomers {
		n, _ := slices.BinarySearchFunc(members, m, byName)
		all = append(append(all, members[:n]...), m)
		members = members[n:]
	}
	return append(all, members...)
}
