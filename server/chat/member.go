// A member of a chat room: the messages to be sent to it, and how its connection gets them.

package chat

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"framescope/server/websocket"
)

// A connection is given as much as one write sends, and few enough messages that its queue
// stays small.
const (
	maxBatch         = 64 << 10 // bytes
	maxBatchMessages = 64
)

// member is a member of a room. The room's mutex guards the fields that change, except for
// the atomic ones.
type member struct {
	name string
	size int // bytes of the name in a list
	conn *websocket.Conn
	room *room

	admitted chan struct{} // closed when it has been announced
	gone     bool          // its connection has ended
	slow     bool          // it was dropped because it is too far behind

	welcome *message // to be sent first, or nil
	list    *list    // to be sent next, beginning with piece, or nil
	piece   int
	next    uint64 // number of the message in the backlog to be sent after these
	behind  bool   // its connection has not been given everything

	// delivered is next, or welcomePending while there is a welcome or a list to be sent.
	// onDrain reads it without the mutex.
	delivered atomic.Uint64
	sending   atomic.Bool // its connection has been given messages that are not sent yet
	progress  *sync.Cond  // what say waits for, or nil
}

const welcomePending = ^uint64(0)

func namesOf(members []*member) []string {
	names := make([]string, len(members))
	for i, m := range members {
		names[i] = m.name
	}
	return names
}

func byName(a, b *member) int { return strings.Compare(a.name, b.name) }

// deliver gives m's connection the next batch of messages for m. m.room.mu is held.
func (m *member) deliver() {
	size := 0
	for n := 0; n < maxBatchMessages && size < maxBatch && !m.slow && !m.gone; n++ {
		next, ok := m.nextMessage()
		if !ok {
			break
		}
		m.sending.Store(true)
		if err := m.conn.Send(next.prepared); err != nil {
			if errors.Is(err, websocket.ErrSlowReader) {
				break // the queue is not empty: onDrain will deliver more
			}
			m.discardPending()
			break
		}
		size += next.size
		m.advance()
	}
	m.signalProgress()
}

// nextMessage returns the message to be sent to m next, if there is one.
func (m *member) nextMessage() (message, bool) {
	switch b := &m.room.backlog; {
	case m.welcome != nil:
		return *m.welcome, true
	case m.list != nil:
		return m.list.pieces[m.piece], true
	case m.next < b.nextNumber():
		return b.at(m.next), true
	}
	return message{}, false
}

// advance moves m past the message that nextMessage returned.
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
	m.storeDelivered()
}

func (m *member) storeDelivered() {
	if m.welcome != nil || m.list != nil {
		m.delivered.Store(welcomePending)
		return
	}
	m.delivered.Store(m.next)
}

func (m *member) releaseList() {
	if m.list != nil {
		m.room.lists.release(m.list)
		m.list = nil
	}
}

// discardPending discards everything that was to be sent to m, since its connection has
// ended or will be closed.
func (m *member) discardPending() {
	m.welcome = nil
	m.releaseList()
	m.next = m.room.backlog.nextNumber()
	m.storeDelivered()
	m.sending.Store(false)
	m.signalProgress()
}

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

// caughtUp reports whether m's connection has been given everything.
func (m *member) caughtUp() bool {
	_, more := m.nextMessage()
	return !more
}

// onDrain is called when m's connection has sent everything that it was given. Usually m
// is not behind, and then onDrain needs no lock. No message is missed: broadcast stores
// backlogEnd before it reads sending, and onDrain stores sending before it reads backlogEnd.
func (m *member) onDrain() {
	m.sending.Store(false)
	r := m.room
	if m.delivered.Load() == r.backlogEnd.Load() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	m.deliver()
	r.updateBehind(m)
}

// waitWhileBehind waits while m is further behind than a member that says something may
// be. m.room.mu is held.
func (m *member) waitWhileBehind() {
	for !m.slow && m.conn.Err() == nil && m.room.backlog.bytesFrom(m.next) > m.room.senderLimit() {
		if m.progress == nil {
			m.progress = sync.NewCond(&m.room.mu)
		}
		m.progress.Wait()
	}
}

// leaveReason returns the reason, for the other members, why m leaves after its connection
// ended with err. slow reports whether m was dropped because it was too slow.
func (m *member) leaveReason(err error) (reason string, slow bool) {
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
