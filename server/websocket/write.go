// Sending messages: whole, one after the other.

package websocket

import (
	"fmt"
	"os"
	"time"

	"framescope/protocol"
)

// sendMessage sends a whole message, which call may cancel.
func (o *outbound) sendMessage(op protocol.Opcode, p []byte, call *writeCall) error {
	if err := dataOpcode(op); err != nil {
		return err
	}
	if o.compresses(len(p)) {
		return o.sendCompressed(op, p, call)
	}
	// This is what sendWhole does, without its call: see writeFrame.
	o.mu.Lock()
	err := o.claimTurn(call)
	if err == nil {
		err = o.writeAndRelease(protocol.Header{Fin: true, Opcode: op}, p, call)
	}
	o.mu.Unlock()
	return err
}

// sendWhole sends a message in one frame, in its turn.
func (o *outbound) sendWhole(h protocol.Header, p []byte, call *writeCall) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if call == nil && !o.inMessage && o.addHeld(h, p) {
		return nil
	}
	if err := o.claimTurn(call); err != nil {
		return err
	}
	return o.writeAndRelease(h, p, call)
}

// claimTurn makes the caller the writer when no message is under way in parts. mu is held.
func (o *outbound) claimTurn(call *writeCall) error {
	for {
		if o.inMessage {
			if err := o.awaitTurn(call); err != nil {
				return err
			}
		}
		if err := o.claimFor(call); err != nil {
			return err
		}
		if !o.inMessage || o.link.ended.Load() {
			return nil
		}
		o.release()
	}
}

// awaitTurn waits until no message is under way in parts, or the connection has ended, but
// no longer than a write may take; mu is held.
func (o *outbound) awaitTurn(call *writeCall) error {
	ends := now().add(o.link.options.WriteTimeout)
	wake := time.AfterFunc(o.link.options.WriteTimeout, o.lockAndWakeTurn)
	defer wake.Stop()
	for o.inMessage && !o.link.ended.Load() {
		by, now := sooner(o.writeBy, ends), now()
		if err := call.cancelled(); err != nil {
			return err
		}
		if by.passed(now) {
			return fmt.Errorf("write message: another one is still under way in parts: %w", os.ErrDeadlineExceeded)
		}
		wake.Reset(time.Duration(by - now)) // SetWriteDeadline may have changed it
		o.wait().turn.Wait()
	}
	return nil
}

// wakeTurn wakes the goroutines that wait for the end of a message; mu is held.
func (o *outbound) wakeTurn() {
	if o.waiters != nil {
		o.waiters.turn.Broadcast()
	}
}

func (o *outbound) lockAndWakeTurn() {
	o.mu.Lock()
	o.wakeTurn()
	o.mu.Unlock()
}

// beginMessage keeps other messages from being sent until endMessage; inParts says that
// the application decides when that is.
func (o *outbound) beginMessage(inParts bool, call *writeCall) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.inMessage {
		if err := o.awaitTurn(call); err != nil {
			return err
		}
		if o.link.ended.Load() {
			break
		}
	}
	if err := o.open(); err != nil {
		return err
	}
	if err := call.commit(); err != nil {
		return err
	}
	o.inMessage, o.inParts = true, inParts
	return nil
}

func (o *outbound) endMessage() {
	o.mu.Lock()
	o.inMessage, o.inParts = false, false
	o.wakeTurn()
	o.scheduleQueue()
	o.mu.Unlock()
}

func dataOpcode(op protocol.Opcode) error {
	if op != protocol.OpText && op != protocol.OpBinary {
		return fmt.Errorf("write message: opcode %v is neither text nor binary", op)
	}
	return nil
}

// sendCompressed sends a message compressed, unless that makes it larger and
// no later message builds on it.
func (o *outbound) sendCompressed(op protocol.Opcode, p []byte, call *writeCall) error {
	h := protocol.Header{Fin: true, RSV: protocol.RSV1, Opcode: op}
	if !o.deflate.NoContextTakeover(o.link.side) {
		return o.sendInContext(h, p, call)
	}
	d := o.getDeflater()
	small, err := d.message(p)
	if err != nil {
		o.putDeflater(d)
		return err
	}
	// The write may wait: the deflater, of hundreds of KiB, is for others meanwhile.
	var waits messageBuffer
	if len(small) >= len(p) {
		h.RSV, small = 0, p
	} else {
		waits = getMessageBuffer(len(small))
		small = append(waits.bytes, small...)
		defer waits.put(o.link.options.Memory)
	}
	o.putDeflater(d)
	if kept := int64(cap(waits.bytes)); kept > smallMemory {
		o.link.keep(kept)
		defer o.link.letGo(kept)
	}
	return o.sendWhole(h, small, call)
}

// sendInContext sends a message compressed with the context of those before: messages must be
// sent in the order in which they are compressed, and once compressed must be sent.
func (o *outbound) sendInContext(h protocol.Header, p []byte, call *writeCall) error {
	if err := o.beginMessage(false, call); err != nil {
		return err
	}
	defer o.endMessage()
	d := o.getDeflater()
	defer o.putDeflater(d)
	small, err := d.message(p)
	if err != nil {
		return err
	}
	return o.sendFrame(h, small, call)
}
