// The interface between the instances of one service, and what its implementations promise.

// Package hub joins the instances of one service: what one of them publishes on a topic, the
// others receive.
//
// An app serves its own members directly and uses the hub only for those of other instances.
// For each thing that it shares, such as a chat room, it enters a topic. When another instance
// enters the same topic, each of the two is told so and sends the other its state, for
// instance the names of its members. From then on each publishes what changes:
//
//	func (r *room) say(m message) {
//		r.mu.Lock()
//		defer r.mu.Unlock()
//		r.add(m)
//		r.topic.Publish(m.encode()) // does not wait, so it may be called with the lock held
//	}
//
//	func (r *room) PeerJoined(_ hub.Peer, send func([]byte)) {
//		r.mu.Lock() // so that no change is published between the state's pieces
//		defer r.mu.Unlock()
//		send(r.encodeMembers())
//	}
//
// There are two implementations: [Local] joins instances in one process, of which there is
// usually one, and package server/hub/nats joins processes over a NATS broker.
//
// The hub promises order, not arrival: the messages of a peer come in the order in which it
// sent them, none twice, and if some are lost, [Receiver.Lost] says how many, in their place.
// What is queued is bounded. Messages beyond the bound are lost, since no instance waits for
// another.
package hub

// MaxMessage is the largest number of bytes in a message. A larger one is lost. A state that
// may be larger is sent in pieces.
const MaxMessage = 1<<20 - 1<<10

// Peer is the id of an instance. Ids are unique and can be compared: all instances agree which
// of two is smaller.
type Peer string

// Hub is one instance's access to the others.
type Hub interface {
	// Self returns the id of this instance.
	Self() Peer
	// Alone reports whether no other instance is in reach, so that there is no state to wait
	// for.
	Alone() bool
	// Join enters a topic. r is called from then on until Leave; other goroutines may call it
	// before Join returns. An instance is in a topic once: if it is in it already, it leaves
	// first. Any string names a topic.
	Join(topic string, r Receiver) Topic
}

// Topic is one instance's place in a topic. Its methods never wait for another instance, so
// they may be called with locks held, and they keep nothing of a message after they return.
type Topic interface {
	// Alone reports whether Publish would do nothing, so that a caller need not encode the
	// message.
	Alone() bool
	// Publish sends a message to all other instances in the topic.
	Publish(message []byte)
	// Send sends a message to one of them. It does nothing if that has left.
	Send(to Peer, message []byte)
	// Leave leaves the topic. A call of the receiver that has begun may last longer; no other
	// begins.
	Leave()
}

// Receiver is what a topic calls. It is called with no lock of the hub held, for one peer by
// one goroutine at a time; calls for several peers may come at the same time.
type Receiver interface {
	// PeerJoined says that another instance is in the topic, and sends it the state of this
	// one, in as many pieces as necessary. It is also called for a peer that has been in the
	// topic before and has lost messages of this instance. The peer receives the pieces, each
	// as a message, and everything that is published after the first, but nothing that
	// was published before the first: that is part of the state. (A peer that asks because it has lost
	// messages goes on receiving.) send is valid until PeerJoined returns.
	PeerJoined(peer Peer, send func(state []byte))
	// Received is called with each message of a peer. message is valid until it returns.
	Received(from Peer, message []byte)
	// PeerLeft says that a peer has left the topic, has ended, or has been out of reach for
	// too long. Its members are to be forgotten.
	PeerLeft(peer Peer, why error)
	// Lost says that so many messages of a peer are missing here. The peer has been asked for
	// its state, which follows later, after other messages perhaps, and replaces what is known
	// of it. PeerLeft is not called.
	Lost(from Peer, messages uint64)
}
