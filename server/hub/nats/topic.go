// A topic that this instance is in, and the peers in it.

package nats

import (
	"errors"

	"framescope/server/hub"
)

// maxTopics is how many topics an instance can be in. A beat names all of them.
const maxTopics = 8192

// maxAway is for how many beats a topic remembers a peer that is not in it.
const maxAway = 600

// topic is this instance's stay in a topic. The hub's mutex guards what changes.
type topic struct {
	hub      *Hub
	key      key
	subject  string
	stay     uint64
	receiver hub.Receiver
	position uint64 // messages published
	seats    map[id]*seat
	audience audience
	left     bool
}

// seat is another instance in a topic. It is the line back to it.
type seat struct {
	topic   *topic
	peer    id
	subject string // of all that is sent to it alone
	inbox   *hub.Inbox
	state   seatState

	stay      uint64 // the peer's
	position  uint64 // how many messages it has published, as known here
	synced    bool   // its state has begun: what it publishes is passed on
	resumed   bool   // it was away: what it published before its state is lost
	directed  uint64 // how many messages it has sent to this instance alone
	anyNext   bool   // directed is not known
	sent      uint64 // how many have been sent to it alone
	telling   int    // for how many beats it is told so
	needState bool   // its state is awaited, for so many beats
	awaited   int
	answered  int // how often it has been sent the state again since the last beat
	idle      int // for how many beats it has not been present
}

type seatState uint8

const (
	gone    seatState = iota // it has left
	present                  // it is in the topic
	away                     // it was, and is out of reach: what it misses is counted
)

// Join enters a topic.
func (h *Hub) Join(name string, r hub.Receiver) hub.Topic {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := keyOf(name)
	if t := h.topics[k]; t != nil {
		t.leave()
	}
	h.stays++
	t := &topic{hub: h, key: k, subject: h.subjectOf(k), stay: h.stays, receiver: r, seats: map[id]*seat{}}
	if h.closed || len(h.topics) >= maxTopics {
		t.left = true
		h.refused.add(errTopics)
		return t
	}
	h.topics[k] = t
	h.out.add(operation{subscribe: t})
	h.send(t.subject, &envelope{kind: kindEnter, topic: k, stay: t.stay})
	return t
}

var errTopics = errors.New("this instance is in too many topics: the rest are not shared")

func (t *topic) Alone() bool { return t.audience.none() }

func (t *topic) Publish(message []byte) {
	if t.Alone() {
		return
	}
	t.hub.mu.Lock()
	defer t.hub.mu.Unlock()
	if t.left {
		return
	}
	t.position++
	if len(message) > hub.MaxMessage || !t.audience.someHere() {
		t.hub.countUnsent()
		return
	}
	t.hub.send(t.subject, &envelope{kind: kindPublish, topic: t.key, stay: t.stay, position: t.position, body: message})
}

func (t *topic) Send(to hub.Peer, message []byte) {
	t.hub.mu.Lock()
	defer t.hub.mu.Unlock()
	if i, ok := parsePeer(to); ok && t.seats[i] != nil {
		t.seats[i].send(kindSend, message)
	}
}

// send sends a message to one peer. The hub's mutex is held.
func (s *seat) send(k kind, message []byte) {
	t := s.topic
	if t.left || s.state != present {
		return
	}
	if k == kindSend {
		s.sent++
		s.telling = maxMissed + 1 // if all of these are lost, it counts as out of reach
		if len(message) > hub.MaxMessage {
			t.hub.countUnsent()
			return
		}
	}
	t.hub.send(s.subject, &envelope{
		kind: k, to: s.peer, topic: t.key, stay: t.stay, position: t.position, directed: s.sent, body: message,
	})
}

func (t *topic) Leave() {
	t.hub.mu.Lock()
	defer t.hub.mu.Unlock()
	t.leave()
}

// leave leaves the topic. The hub's mutex is held.
func (t *topic) leave() {
	if t.left {
		return
	}
	t.close()
	delete(t.hub.topics, t.key)
	t.hub.send(t.subject, &envelope{kind: kindLeave, topic: t.key, stay: t.stay})
	t.hub.out.add(operation{leave: t})
}

// close ends the calls of the receiver.
func (t *topic) close() {
	t.left = true
	t.hub.seats -= len(t.seats)
	t.audience.clear()
	for _, s := range t.seats {
		s.inbox.Close()
	}
}

// Sync, Send and Again make seat a hub.Line.

func (s *seat) Sync() { s.sendLocked(kindSync, nil) }

func (s *seat) Send(message []byte) { s.sendLocked(kindSend, message) }

// Again asks for the peer's state, unless that is awaited already.
func (s *seat) Again() {
	s.topic.hub.mu.Lock()
	defer s.topic.hub.mu.Unlock()
	if !s.needState {
		s.needState, s.awaited = true, 0
		s.send(kindAgain, nil)
	}
}

func (s *seat) sendLocked(k kind, message []byte) {
	s.topic.hub.mu.Lock()
	defer s.topic.hub.mu.Unlock()
	s.send(k, message)
}
