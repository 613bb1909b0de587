// The outbound half of a connection: who writes to the socket, and when.

package websocket

import (
	"sync"

	"framescope/protocol"
)

// outbound sends whole frames in order. At any time at most one goroutine, the writer, writes to
// the socket, and before it stops being the writer it has sent everything that was added
// meanwhile, or passed its role on to a goroutine that does.
//
// To be the writer is a role, not a lock: a goroutine claims it and releases it with mu held, and
// between them mu is unlocked while the socket is written to. So mu is held for a short time only,
// whatever the peer does. A goroutine that sends waits for the role, except the
// reader, Shutdown and the fan-out: if there is a writer, it sends their frames.
type outbound struct {
	link *link

	mu        sync.Mutex       // guards the fields below
	writing   bool             // there is a writer
	fanning   bool             // it is a sender of the fan-out
	hold      bool             // frames may wait for others: the reader has more to decode
	closeSent bool             // our close frame is sent, or about to be
	inMessage bool             // a message is under way in parts, and others wait
	inParts   bool             // and it may take long: the application writes the parts
	cut       bool             // the writer must not wait for the peer: its context is done
	deflate   protocol.Deflate // what the handshake agreed on; not to be changed
	raw       rawWriter        // the writer's
	pending   pending          // the writer's; while there is none, mu guards it
	queue     *sendQueue       // nil until the first Send
	deflater  *deflater        // whose context goes from message to message, or nil
	waiters   *waiters         // nil until a goroutine waits
	writeBy   clock            // the application's deadline
	waitsBy   deadline         // until when the writer may wait for the socket; 0 while it does not
}

// waiters are the frames and goroutines that wait for the writer, or for the end of a message.
type waiters struct {
	late     []byte // control frames that were added while there was a writer
	role     sync.Cond
	number   int  // of those that wait for the role
	overtake bool // one of them was woken, but another goroutine was faster
	passed   bool // the role is passed on to one of them, which has not run yet
	turn     sync.Cond
}

func (o *outbound) wait() *waiters {
	if o.waiters == nil {
		o.waiters = new(waiters)
		o.waiters.role.L, o.waiters.turn.L = &o.mu, &o.mu
	}
	return o.waiters
}

// claim makes the calling goroutine the writer, once there is no other. mu is held.
func (o *outbound) claim() { _ = o.claimFor(nil) }

// claimFor is claim unless call is cancelled meanwhile.
func (o *outbound) claimFor(call *writeCall) error {
	if !o.writing {
		o.writing = true
		return nil
	}
	w := o.wait()
	w.number++
	defer func() { w.number-- }()
	for {
		if err := call.cancelled(); err != nil {
			return err // the present writer wakes the next one
		}
		w.role.Wait()
		if w.passed {
			w.passed = false
			return nil
		}
		if !o.writing {
			o.writing = true
			return nil
		}
		w.overtake = true
	}
}

// release ends the role of the writer, which the caller is. Control frames that were added
// meanwhile are sent before, by a goroutine to which the role is passed on. mu is held.
func (o *outbound) release() {
	if w := o.waiters; w != nil && w.late != nil {
		go o.sendLate()
		return
	}
	o.retire()
}

// sendLate sends the control frames that were added while there was a writer. The role is passed
// on to it.
func (o *outbound) sendLate() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.waiters.late != nil {
		frames := o.waiters.late
		o.waiters.late = nil
		if o.open() != nil {
			break // none are sent any more
		}
		o.mu.Unlock()
		_ = o.write(frames) // a failure has ended the connection
		o.mu.Lock()
	}
	o.retire()
}

// retire ends the role when nothing is left to be sent. A goroutine that waits for it is woken;
// if one has been overtaken, the role is passed on. mu is held.
func (o *outbound) retire() {
	o.endWait()
	if o.pending.n == 0 || o.link.ended.Load() {
		o.pending.discard()
	}
	w := o.waiters
	if w != nil && w.number > 0 {
		w.passed, w.overtake = w.overtake, false
		o.writing = w.passed
		w.role.Signal()
	} else {
		o.writing = false
	}
	o.scheduleQueue()
}

// open is ErrClosed when nothing may be written any more; mu is held.
func (o *outbound) open() error {
	// RFC 6455 5.5.1: nothing after a close frame.
	if o.closeSent || o.link.ended.Load() {
		return ErrClosed
	}
	return nil
}

// ended releases what the connection's end leaves of no use, and wakes the goroutines that wait
// for a turn. Those that wait for the role get it when the writer's write fails.
func (o *outbound) ended() {
	o.mu.Lock()
	unsent := o.stopQueue()
	if !o.writing {
		o.pending.discard()
	}
	o.wakeTurn()
	o.mu.Unlock()
	o.uncount(unsent)
}
