// The hub within one process: the default, with one instance, and the reference for tests.

package hub

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// Local joins instances in one process. The zero value has none. A server without a cluster
// is the only instance of a Local: it has no peers, and publishing costs it nothing.
type Local struct {
	instances atomic.Int32

	mu     sync.Mutex
	topics map[string][]*seat
}

// Instance adds an instance and returns its hub.
func (l *Local) Instance() Hub { return l.InstanceIn(new(Inboxes)) }

// InstanceIn is Instance for one whose inboxes the caller watches.
func (l *Local) InstanceIn(inboxes *Inboxes) Hub {
	return &instance{local: l, self: Peer(fmt.Sprintf("local-%04d", l.instances.Add(1))), inboxes: inboxes}
}

// instance is one of a Local.
type instance struct {
	local   *Local
	self    Peer
	inboxes *Inboxes
}

func (i *instance) Self() Peer  { return i.self }
func (i *instance) Alone() bool { return i.local.instances.Load() == 1 }

func (i *instance) Join(topic string, r Receiver) Topic {
	l := i.local
	l.mu.Lock()
	defer l.mu.Unlock()
	if at := slices.IndexFunc(l.topics[topic], func(s *seat) bool { return s.instance == i }); at >= 0 {
		l.topics[topic][at].leave()
	}
	s := &seat{instance: i, topic: topic, receiver: r, senders: map[Peer]*sender{}}
	for _, other := range l.topics[topic] {
		s.meet(other)
		other.meet(s)
	}
	if l.topics == nil {
		l.topics = map[string][]*seat{}
	}
	l.topics[topic] = append(l.topics[topic], s)
	return s
}

// seat is the place of an instance in a topic. The Local's mutex guards what changes.
type seat struct {
	instance *instance
	topic    string
	receiver Receiver
	senders  map[Peer]*sender // the other seats, and those that have left
	peers    atomic.Int32     // the number of other seats
	left     bool
}

// sender is another instance, as a seat receives its messages. It is the line back to it.
type sender struct {
	to     *seat
	from   *seat // nil while the other instance is not in the topic
	inbox  *Inbox
	synced bool // what it publishes is passed on
}

// meet tells a seat that another was taken. The inbox of an earlier one is used again, so
// that calls stay in order.
func (s *seat) meet(other *seat) {
	o := s.senders[other.instance.self]
	if o == nil {
		o = &sender{to: s}
		o.inbox = NewInbox(s.instance.inboxes, s.receiver, other.instance.self, o)
		s.senders[other.instance.self] = o
	}
	o.from, o.synced = other, false
	s.peers.Add(1)
	o.inbox.Joined()
}

func (s *seat) Alone() bool { return s.peers.Load() == 0 }

func (s *seat) Publish(message []byte) {
	if s.Alone() {
		return
	}
	s.instance.local.mu.Lock()
	defer s.instance.local.mu.Unlock()
	message = bytes.Clone(message)
	for _, o := range s.senders {
		if there := o.there(); there != nil && there.synced {
			there.deliver(message)
		}
	}
}

func (s *seat) Send(to Peer, message []byte) {
	if o := s.sender(to); o != nil {
		o.Send(message)
	}
}

func (s *seat) sender(to Peer) *sender {
	s.instance.local.mu.Lock()
	defer s.instance.local.mu.Unlock()
	return s.senders[to]
}

func (s *seat) Leave() {
	s.instance.local.mu.Lock()
	defer s.instance.local.mu.Unlock()
	s.leave()
}

// errLeft is why a peer of a Local leaves.
var errLeft = errors.New("it has left")

func (s *seat) leave() {
	if s.left {
		return
	}
	s.left = true
	l := s.instance.local
	if l.topics[s.topic] = slices.DeleteFunc(l.topics[s.topic], func(o *seat) bool { return o == s }); len(l.topics[s.topic]) == 0 {
		delete(l.topics, s.topic)
	}
	for _, o := range s.senders {
		o.inbox.Close()
		if there := o.from; there != nil {
			there.peers.Add(-1)
			there.senders[s.instance.self].from = nil
			there.senders[s.instance.self].inbox.Left(errLeft)
		}
	}
	s.peers.Store(0)
}

// Sync, Send and Again make sender a Line.

func (o *sender) Sync() {
	o.to.instance.local.mu.Lock()
	defer o.to.instance.local.mu.Unlock()
	if there := o.there(); there != nil {
		there.synced = true
	}
}

func (o *sender) Send(message []byte) {
	o.to.instance.local.mu.Lock()
	defer o.to.instance.local.mu.Unlock()
	if there := o.there(); there != nil {
		there.deliver(bytes.Clone(message))
	}
}

func (o *sender) Again() {
	o.to.instance.local.mu.Lock()
	defer o.to.instance.local.mu.Unlock()
	if there := o.there(); there != nil {
		there.inbox.Joined()
	}
}

// there returns how the other seat sees this one, or nil if one of them has left. The Local's
// mutex is held.
func (o *sender) there() *sender {
	if o.from == nil || o.to.left {
		return nil
	}
	return o.from.senders[o.to.instance.self]
}

// deliver passes a message on. The Local's mutex is held.
func (o *sender) deliver(message []byte) {
	if len(message) > MaxMessage {
		o.inbox.Lost(1)
		return
	}
	o.inbox.Received(message)
}
