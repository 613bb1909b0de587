// The calls of a receiver for one peer: in order, bounded, and by one goroutine at a time.

package hub

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Limits on what waits for receivers, in bytes.
const (
	maxInbox   = 4 << 20  // for one receiver from one peer
	maxInboxes = 32 << 20 // for all receivers of an instance
	callSize   = 128      // of a call, in addition to its message
)

// Inboxes is what all inboxes of an instance share: the bound on what waits in them, and
// their goroutines. The zero value is ready to be used.
type Inboxes struct {
	Memory  Memory // counts what waits; nil for none
	queued  atomic.Int64
	running sync.WaitGroup
}

// Memory is the part of the server's memory budget that a hub uses.
type Memory interface {
	AddShared(bytes int64)
	SubShared(bytes int64)
}

// Wait waits until no receiver is being called.
func (s *Inboxes) Wait() { s.running.Wait() }

// Queued returns how many bytes wait.
func (s *Inboxes) Queued() int64 { return s.queued.Load() }

func (s *Inboxes) account(bytes int) {
	s.queued.Add(int64(bytes))
	switch {
	case s.Memory == nil:
	case bytes > 0:
		s.Memory.AddShared(int64(bytes))
	default:
		s.Memory.SubShared(int64(-bytes))
	}
}

// Line leads back to the peer whose messages an Inbox passes on.
type Line interface {
	// Sync tells the peer that it knows nothing of what this instance published before.
	Sync()
	// Send sends the peer a message.
	Send(message []byte)
	// Again asks the peer for its state.
	Again()
}

// Inbox calls the receiver of a topic for one peer. It is for implementations of [Hub]. Its
// methods do not wait for the receiver; a goroutine calls that, and exists only while calls
// are waiting. Make one with [NewInbox].
type Inbox struct {
	shared   *Inboxes
	receiver Receiver
	peer     Peer
	line     Line

	mu      sync.Mutex // guards the fields below
	calls   []call     // waiting
	size    int        // bytes, of calls
	running bool
	present bool // PeerJoined has been called or is waiting, PeerLeft not
	closed  bool
}

// call is a call of a receiver's method.
type call struct {
	kind     callKind
	message  []byte
	messages uint64
	why      error
}

type callKind uint8

const (
	callJoined callKind = iota
	callAgain           // PeerJoined, for a peer that is present
	callReceived
	callLost
	callLeft
)

// NewInbox makes an inbox that is empty.
func NewInbox(s *Inboxes, r Receiver, peer Peer, line Line) *Inbox {
	return &Inbox{shared: s, receiver: r, peer: peer, line: line}
}

// Joined calls PeerJoined, for a peer that is present already in order to send it the state
// again. It reports false if too much is waiting.
func (b *Inbox) Joined() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	kind := callJoined
	if b.present {
		kind = callAgain
		if slices.ContainsFunc(b.calls, func(c call) bool { return c.kind == callJoined || c.kind == callAgain }) {
			return true
		}
	}
	if b.closed || b.full(callSize) {
		return false
	}
	b.present = true
	b.add(call{kind: kind})
	return true
}

// Received calls Received with a message that does not change any more, or counts it as lost
// if too much is waiting.
func (b *Inbox) Received(message []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.present || b.closed:
	case b.full(callSize + len(message)):
		b.addLost(1)
	default:
		b.add(call{kind: callReceived, message: message})
	}
}

// Lost calls Lost.
func (b *Inbox) Lost(messages uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.present && !b.closed && messages > 0 {
		b.addLost(messages)
	}
}

// addLost adds to the loss that is at the end of the queue, if there is one, so that losses
// need little memory.
func (b *Inbox) addLost(messages uint64) {
	if n := len(b.calls); n > 0 && b.calls[n-1].kind == callLost {
		b.calls[n-1].messages += messages
		return
	}
	b.add(call{kind: callLost, messages: messages})
}

// Left calls PeerLeft if the peer was present. What the receiver has not been told of the
// peer's stay, it is never told.
func (b *Inbox) Left(why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.present || b.closed {
		return
	}
	b.present = false
	if at := slices.IndexFunc(b.calls, func(c call) bool { return c.kind == callJoined }); at >= 0 {
		b.drop(at)
		return
	}
	b.add(call{kind: callLeft, why: why})
}

// Close drops everything that waits, and all later calls.
func (b *Inbox) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.drop(0)
}

// full reports whether the queue has no space for n more bytes.
func (b *Inbox) full(n int) bool {
	return b.size+n > maxInbox || b.shared.queued.Load()+int64(n) > maxInboxes
}

func (c call) size() int { return callSize + len(c.message) }

func (b *Inbox) add(c call) {
	b.calls = append(b.calls, c)
	b.size += c.size()
	b.shared.account(c.size())
	if !b.running {
		b.running = true
		b.shared.running.Go(b.run)
	}
}

// drop drops the calls from an index on.
func (b *Inbox) drop(from int) {
	for _, c := range b.calls[from:] {
		b.size -= c.size()
		b.shared.account(-c.size())
	}
	b.calls = slices.Delete(b.calls, from, len(b.calls))
}

// run makes the calls until none is waiting.
func (b *Inbox) run() {
	for {
		c, ok := b.next()
		if !ok {
			return
		}
		b.make(c)
	}
}

func (b *Inbox) next() (call, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.calls) == 0 {
		b.calls, b.running = nil, false
		return call{}, false
	}
	c := b.calls[0]
	b.calls[0] = call{}
	b.calls = b.calls[1:]
	b.size -= c.size()
	b.shared.account(-c.size())
	return c, true
}

func (b *Inbox) make(c call) {
	switch c.kind {
	case callJoined, callAgain:
		b.welcome()
	case callReceived:
		b.receiver.Received(b.peer, c.message)
	case callLost:
		b.receiver.Lost(b.peer, c.messages)
		b.line.Again()
	case callLeft:
		b.receiver.PeerLeft(b.peer, c.why)
	}
}

// welcome has the receiver send its state. The first piece marks the place from which on the
// peer receives what is published.
func (b *Inbox) welcome() {
	synced := false
	b.receiver.PeerJoined(b.peer, func(state []byte) {
		if !synced {
			synced = true
			b.line.Sync()
		}
		b.line.Send(state)
	})
	if !synced {
		b.line.Sync()
	}
}
