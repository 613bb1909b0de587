// Delivery: how a member's outlet is given what is to be sent to the member.

package chat

import (
	"errors"
	"slices"

	"framescope/server/websocket"
)

// An outlet is given as much as one write sends, and few enough messages that its queue
// stays small.
const (
	maxBatch         = 64 << 10 // bytes
	maxBatchMessages = 64
	maxAdded         = 8 << 10 // bytes, to a batch that is not sent yet
)

// maxDirect is how many bytes may wait that are for one member alone. If nothing else of
// that kind waits, a message may be larger.
const maxDirect = 64 << 10

// directMessage is a message for one member, to be sent before the backlog's message of that
// number.
type directMessage struct {
	*message
	before uint64
}

const othersPending = ^uint64(0)

// deliver gives m's outlet the next messages for m: a batch, or, while it has not sent what it
// was given before, a few short ones, which the same write will send. m.room.mu is held.
func (m *member) deliver() {
	most := maxAdded
	if !m.sending.Load() {
		m.given, m.givenBytes, most = 0, 0, maxBatch
	}
	for m.given < maxBatchMessages && m.givenBytes < most && !m.slow && !m.gone {
		next, ok := m.nextMessage()
		if !ok {
			break
		}
		if next.except == m || !m.out.takes(next) {
			m.advance()
			continue
		}
		m.sending.Store(true)
		if err := m.out.send(next); err != nil {
			if errors.Is(err, websocket.ErrSlowReader) {
				break // the queue is not empty: onDrain will deliver more
			}
			m.discardPending()
			break
		}
		m.given++
		m.givenBytes += next.size
		m.advance()
	}
	m.signalProgress()
}

// deliverRest gives m's outlet what is left of a member that quits, as much as its queue
// takes.
func (m *member) deliverRest() {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	for before := ^uint64(0); before != m.next && !m.caughtUp(); {
		before = m.next
		m.deliver()
	}
}

// nextMessage returns the message to be sent to m next, if there is one.
func (m *member) nextMessage() (*message, bool) {
	switch b := &m.room.backlog; {
	case m.welcome != nil:
		return m.welcome, true
	case m.list != nil:
		return m.list.pieces[m.piece], true
	case len(m.direct) > 0 && m.direct[0].before <= m.next:
		return m.direct[0].message, true
	case m.next < b.nextNumber():
		return b.at(m.next), true
	}
	return nil, false
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
	case len(m.direct) > 0 && m.direct[0].before <= m.next:
		m.removeDirect(1)
	default:
		m.next++
	}
	m.storeDelivered()
}

func (m *member) storeDelivered() {
	if m.welcome != nil || m.list != nil || len(m.direct) > 0 {
		m.delivered.Store(othersPending)
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

// hasRoomFor reports whether a message for m alone may wait.
func (m *member) hasRoomFor(msg *message) bool {
	return m.waiting == 0 || m.waiting+msg.size <= m.room.rooms.directLimit()
}

// addDirect has a message sent to m alone, after all that were added before it.
// m.room.mu is held.
func (m *member) addDirect(msg *message) {
	if m.gone || m.slow || m.peer != "" {
		return
	}
	m.direct = append(m.direct, directMessage{msg, m.room.backlog.nextNumber()})
	m.waiting += msg.size
	m.room.rooms.account(msg.size)
	m.storeDelivered()
	m.deliver()
	m.room.updateBehind(m)
}

// removeDirect removes the first messages that are for m alone.
func (m *member) removeDirect(n int) {
	for _, d := range m.direct[:n] {
		m.waiting -= d.size
		m.room.rooms.account(-d.size)
	}
	if m.direct = slices.Delete(m.direct, 0, n); len(m.direct) == 0 {
		m.direct = nil
	}
}

// discardPending discards everything that was to be sent to m, since its connection has
// ended or will be closed.
func (m *member) discardPending() {
	m.welcome = nil
	m.releaseList()
	m.removeDirect(len(m.direct))
	m.next = m.room.backlog.nextNumber()
	m.storeDelivered()
	m.sending.Store(false)
	m.signalProgress()
}

// caughtUp reports whether m's outlet has been given everything.
func (m *member) caughtUp() bool {
	_, more := m.nextMessage()
	return !more
}

// onDrain is called when m's outlet has sent everything that it was given. Usually m
// is not behind, and then onDrain needs no lock. No message is missed: broadcast stores
// backlogEnd before it reads sending, and onDrain stores sending before it reads backlogEnd.
// The same holds for addDirect and delivered.
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
