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
	sent      int32            // the writer's: how many bytes the socket took since WriteTimeout began
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
	late      []byte // control frames that were added while there was a writer
	role      sync.Cond
	first     sync.Cond // for the goroutines that were woken to be the writer, but overtaken
	overtaken int       // how many those are
	passed    bool      // the role is passed on to one of them, which has not run yet
	turn      sync.Cond
}

func (o *outbound) wait() *waiters {
	if o.waiters == nil {
		o.waiters = new(waiters)
		o.waiters.role.L, o.waiters.first.L, o.waiters.turn.L = &o.mu, &o.mu, &o.mu
	}
	return o.waiters
}

// claim makes the calling goroutine the writer, once there is no other. mu is held.
func (o *outbound) claim() { _ = o.claimFor(nil) }

// claimFor is claim unless call is cancelled meanwhile. A goroutine that was woken to be the writer,
// but overtaken by another one, comes before all others from then on. mu is held.
func (o *outbound) claimFor(call *writeCall) error {
	if !o.writing {
		o.writing = true
		return nil
	}
	if err := call.cancelled(); err != nil {
		return err
	}
	w := o.wait()
	w.role.Wait()
	if !o.writing {
		o.writing = true
		return nil
	}
	w.overtaken++
	defer func() { w.overtaken-- }()
	for !w.passed { // the role that is passed on must not be lost: this comes before cancelled
		if err := call.cancelled(); err != nil {
			return err
		}
		w.first.Wait()
	}
	w.passed = false
	return nil
}

// release ends the role of the writer, which the caller is. What was left to the writer meanwhile is
// sent before, by a goroutine to which the role is passed on. mu is held.
func (o *outbound) release() {
	if o.hasLeft() {
		go o.sendLeft()
		return
	}
	o.retire()
}

// hasLeft reports whether something was left to the writer: control frames, held frames that are to
// wait no longer, or the queue. mu is held.
func (o *outbound) hasLeft() bool {
	w, p := o.waiters, &o.pending
	return w != nil && w.late != nil || p.n > 0 && (p.overdue || !o.hold) || o.queueLeft()
}

// sendLeft sends what was left to the writer, whose role is passed on to it, in rounds: a goroutine
// that waits for the role has its turn before the next.
func (o *outbound) sendLeft() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		o.sendLate()
		_ = o.flush() // a failure has ended the connection
		o.sendQueueLeft()
		w := o.waiters
		if w != nil && w.overtaken > 0 || !o.hasLeft() {
			o.retire()
			return
		}
		if w != nil {
			w.role.Signal() // the goroutine is overtaken by the next round, and comes after it
		}
	}
}

// sendLate sends the control frames that were added while there was a writer. The caller is the
// writer; mu is held, but not meanwhile.
func (o *outbound) sendLate() {
	w := o.waiters
	if w == nil || w.late == nil {
		return
	}
	frames := w.late
	w.late = nil
	if o.open() != nil {
		return // none are sent any more
	}
	o.mu.Unlock()
	_ = o.write(frames) // a failure has ended the connection
	o.mu.Lock()
}

// retire ends the role. It is passed on to a goroutine that was overtaken; if there is none, one
// that waits is woken. mu is held.
func (o *outbound) retire() {
	o.endWait()
	if o.pending.n == 0 || o.link.ended.Load() {
		o.pending.discard()
	}
	o.writing = false
	if w := o.waiters; w != nil {
		if w.overtaken > 0 {
			o.writing, w.passed = true, true
			w.first.Signal()
		} else {
			w.role.Signal()
		}
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
