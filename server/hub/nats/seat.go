// What a peer in a topic is known to have done: come, sent, left.

package nats

import (
	"encoding/hex"
	"errors"
	"sync/atomic"

	"framescope/server/hub"
)

// Why a peer leaves.
var (
	errLeft   = errors.New("it has left")
	errEnded  = errors.New("its instance has ended")
	errSilent = errors.New("its instance is out of reach")
)

// maxGap is how many messages are believed to be lost because of a message. More are believed
// only of a beat or of what precedes a state: otherwise one wrong number would have all later
// messages taken for old ones.
const maxGap = 1 << 16

// audience counts the peers of a topic. It is read without a lock.
type audience struct{ counts atomic.Int64 }

const onePresent = 1 << 32 // added to what are away

func (a *audience) none() bool     { return a.counts.Load() == 0 }
func (a *audience) someHere() bool { return a.counts.Load() >= onePresent }
func (a *audience) clear()         { a.counts.Store(0) }

func (a *audience) change(from, to seatState) {
	weight := func(s seatState) int64 { return [...]int64{gone: 0, present: onePresent, away: 1}[s] }
	a.counts.Add(weight(to) - weight(from))
}

func parsePeer(p hub.Peer) (i id, ok bool) {
	b, err := hex.DecodeString(string(p))
	return id(append(b, make([]byte, len(i))...)[:len(i)]), err == nil && len(b) == len(i)
}

func (s *seat) setState(to seatState) {
	s.topic.audience.change(s.state, to)
	if to == present {
		s.idle = 0
	}
	s.state = to
}

// seatOf returns a peer's seat in a topic, which is made if necessary.
func (t *topic) seatOf(p id) (*seat, error) {
	s := t.seats[p]
	if s == nil {
		if t.hub.seats >= maxSeats {
			return nil, errPeers
		}
		t.hub.seats++
		s = &seat{topic: t, peer: p, subject: t.hub.subjectTo(p)}
		s.inbox = hub.NewInbox(&t.hub.inboxes, t.receiver, p.peer(), s)
		t.seats[p] = s
	}
	return s, nil
}

// seen records that a peer says, in a beat, that it is in the topic, in this stay, and has
// published so many messages. If there is a gap, the receiver is told.
func (s *seat) seen(stay, position uint64) error {
	switch {
	case stay < s.stay:
		return errReplayed
	case s.state != present || stay != s.stay:
		s.entered(stay, position)
		return nil
	case position < s.position:
		// Its own account is right and a message was not: somebody else speaks for it.
		s.position, s.resumed = position, false
		return errReplayed
	case s.resumed:
		return nil // sync counts
	case s.synced:
		s.inbox.Lost(position - s.position)
	}
	s.position = position
	return nil
}

// entered records that a peer is in the topic.
func (s *seat) entered(stay, position uint64) {
	if s.state == present {
		s.leave(errLeft)
	}
	if !s.inbox.Joined() {
		return // too much waits: its next beat tries again
	}
	s.resumed = s.state == away && s.stay == stay && position >= s.position
	if !s.resumed {
		s.position = position
	}
	s.setState(present)
	s.stay, s.synced, s.anyNext = stay, false, true
	s.needState, s.awaited = true, 0
}

// published passes on a message that a peer sent to all.
func (s *seat) published(e *envelope) error {
	if e.position <= s.position || e.position-s.position > maxGap {
		return errReplayed
	}
	if s.resumed {
		return nil // sync counts
	}
	gap := e.position - s.position - 1
	s.position = e.position
	if s.synced {
		s.inbox.Lost(gap)
		s.inbox.Received(e.body)
	}
	return nil
}

// received passes on a message that a peer sent to this instance.
func (s *seat) received(e *envelope) error {
	switch {
	case s.anyNext:
	case e.directed <= s.directed:
		return errReplayed
	case e.directed-s.directed > maxGap:
		s.needState = true // what precedes it says whether the number is right
		return errReplayed
	default:
		s.inbox.Lost(e.directed - s.directed - 1)
	}
	s.directed, s.anyNext = e.directed, false
	s.inbox.Received(e.body)
	return nil
}

// told records how many messages a peer has sent to this instance, as it says itself. If the last ones
// were lost, nothing else may follow that would show it.
func (s *seat) told(e *envelope) error {
	switch {
	case e.kind == kindEnter || s.stay != e.stay || s.state != present:
		return nil // it is known already: both entered at the same time, or a beat said so
	case s.anyNext:
		return nil // its state will say
	case e.directed < s.directed || e.directed-s.directed > maxGap:
		return errReplayed
	}
	s.inbox.Lost(e.directed - s.directed)
	s.directed = e.directed
	return nil
}

// sync records that a peer's state follows, and that it covers what it published before.
func (s *seat) sync(e *envelope) error {
	if e.position < s.position || !s.anyNext && e.directed < s.directed {
		return errReplayed
	}
	if !s.anyNext {
		s.inbox.Lost(e.directed - s.directed)
	}
	if s.synced || s.resumed {
		s.inbox.Lost(e.position - s.position)
	}
	s.position, s.directed, s.anyNext = e.position, e.directed, false
	s.synced, s.resumed, s.needState = true, false, false
	return nil
}

// again sends a peer the state again, not more than twice in the time between beats.
func (s *seat) again(e *envelope) error {
	if s.state != present || e.stay != s.stay {
		return errStranger
	}
	if s.answered++; s.answered <= 2 {
		s.inbox.Joined()
	}
	return nil
}

// leave records that a peer has left.
func (s *seat) leave(why error) {
	if s.state == present {
		s.inbox.Left(why)
	}
	s.setState(gone)
	s.needState = false
}

// loseSight records that a peer is out of reach.
func (s *seat) loseSight() {
	if s.state == present {
		s.inbox.Left(errSilent)
		s.setState(away)
		s.needState = false
	}
}

// tick is called with each beat.
func (s *seat) tick() {
	s.answered = 0
	if s.telling > 0 {
		s.telling--
		s.send(kindHere, nil)
	}
	switch {
	case s.state != present:
		if s.idle++; s.idle > maxAway {
			s.setState(gone)
		}
	case s.needState:
		if s.awaited++; s.awaited%2 == 0 {
			s.send(kindAgain, nil)
		}
	}
}
