// The outbound half of a connection: who writes to the socket, and when.

package websocket

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"framescope/protocol"
)

// outbound sends whole frames in order. At any time at most one goroutine, the writer, writes to
// the socket, and before it stops being the writer it has sent everything that was added
// meanwhile, or passed its role on to a goroutine that does.
//
// To be the writer is a role, not a lock: a goroutine claims it and releases it with mu held, and
// between them mu is unlocked while the socket is written to. So mu is held for a short time only,
// whatever the peer does. Whoever sends waits for the role, except the reader, Shutdown and the
// fan-out: if there is a writer they leave their frames to it.
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

// blockedSize is what a writer that waits for the peer keeps, in bytes: the pending frames and,
// since the application does not read meanwhile, the input.
const blockedSize = 2 * bufferSize

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
			return err // another writer is at work, who wakes the next
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

// flush writes the pending frames. The caller is the writer; mu is held, but not meanwhile.
func (o *outbound) flush() error {
	if o.pending.n == 0 {
		return nil
	}
	o.mu.Unlock()
	err := o.flushPending()
	o.mu.Lock()
	return err
}

// flushPending is flush without mu.
func (o *outbound) flushPending() error {
	if o.pending.n == 0 {
		return nil
	}
	err := o.write(o.pending.bytes())
	o.pending.n = 0
	return err
}

// flushAside writes the pending frames and releases the role, for a caller that must not wait for
// the socket: the peer may wait for the reader. What the socket does not take at once is left to
// a goroutine, which the role is passed on to. The caller is the writer; mu is not held.
func (o *outbound) flushAside() (err error) {
	if !o.link.direct() {
		go o.finishFlush(false)
		return nil
	}
	if o.pending.n > 0 {
		var done bool
		if done, err = o.raw.offer(&o.link.socket, o.pending.bytes()); !done {
			go o.finishFlush(true)
			return nil
		}
		err = o.wrote(err)
	}
	o.mu.Lock()
	o.pending.n = 0
	o.release()
	o.mu.Unlock()
	return err
}

// finishFlush does what flushAside has left: begun says that a part is written already.
func (o *outbound) finishFlush(begun bool) {
	if begun {
		o.beginWait()
		_ = o.wrote(o.raw.push(&o.link.socket)) // a failure has ended the connection
		o.pending.n = 0
	} else {
		_ = o.flushPending()
	}
	o.mu.Lock()
	o.release()
	o.mu.Unlock()
}

// write writes b to the socket and waits until it has taken all. The caller is the writer; mu is
// not held.
func (o *outbound) write(b []byte) error {
	if !o.link.direct() {
		o.beginWait()
		_, err := o.link.nc.Write(b)
		return o.wrote(err)
	}
	done, err := o.raw.offer(&o.link.socket, b)
	if !done {
		o.beginWait()
		err = o.raw.push(&o.link.socket)
	}
	return o.wrote(err)
}

// beginWait gives the writer, which has to wait for the socket, a deadline. It has one for all that
// it sends until it releases its role: progress does not prolong it. mu is not held.
func (o *outbound) beginWait() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fanning {
		o.fanning = false
		allQueues.leave()
	}
	if o.waitsBy.get() == 0 {
		o.waitsBy.store(now().add(o.link.options.WriteTimeout))
		o.armWrite()
		o.link.keep(blockedSize)
	}
}

// waits reports whether the writer waits for the socket.
func (o *outbound) waits() bool { return o.waitsBy.get() != 0 }

// endWait takes back what beginWait did; mu is held.
func (o *outbound) endWait() {
	if o.waitsBy.get() != 0 {
		o.waitsBy.none()
		o.armWrite()
		o.link.letGo(blockedSize)
	}
}

// armWrite sets the socket's write deadline. All changes of it are made here, with mu held: none
// outlasts what it was set for.
func (o *outbound) armWrite() error {
	if o.cut {
		return o.link.nc.SetWriteDeadline(time.Unix(1, 0)) // long past
	}
	return o.link.nc.SetWriteDeadline(sooner(o.writeBy, o.waitsBy.get()).time())
}

func (o *outbound) setWriteDeadline(t time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writeBy = deadlineAt(t)
	o.wakeTurn() // goroutines that wait for a turn have another deadline now
	return o.armWrite()
}

// wrote ends the connection if a write failed, since part of a frame may have been sent; mu is
// not held.
func (o *outbound) wrote(err error) error {
	if err == nil {
		return nil
	}
	if isTimeout(err) {
		err = ErrSlowReader
	}
	err = fmt.Errorf("write frame: %w", err)
	failed := &CloseError{Code: protocol.CloseAbnormal, cause: err, writing: true}
	if errors.Is(err, ErrSlowReader) {
		o.link.drop(failed)
	} else {
		o.link.end(failed)
	}
	return failed
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
