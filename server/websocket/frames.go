// Sending single frames: behind those that are held, long ones in pieces.

package websocket

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	"framescope/protocol"
)

// sendFrame sends one frame, whose header lacks length and mask, once there is no other writer.
// call may cancel it.
func (o *outbound) sendFrame(h protocol.Header, p []byte, call *writeCall) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if call == nil && o.addHeld(h, p) {
		return nil
	}
	if err := o.claimFor(call); err != nil {
		return err
	}
	return o.writeAndRelease(h, p, call)
}

// sendControl is sendFrame for a control frame.
func (o *outbound) sendControl(op protocol.Opcode, p []byte, call *writeCall) error {
	if len(p) > protocol.MaxControlPayload {
		return fmt.Errorf("write %v: payload of %d bytes, at most %d allowed", op, len(p), protocol.MaxControlPayload)
	}
	return o.sendFrame(protocol.Header{Fin: true, Opcode: op}, p, call)
}

// writeAndRelease writes a frame, or holds it, and releases the role. The caller is the writer; mu
// is held, but not during a write.
func (o *outbound) writeAndRelease(h protocol.Header, p []byte, call *writeCall) error {
	err := o.open()
	if err == nil {
		err = call.begin(o)
	}
	if err == nil {
		err = o.writeFrame(h, p, o.hold)
		call.end(o)
	}
	o.release()
	return err
}

// writeFrame adds a frame to the pending ones and, unless they are to be held, writes them. The
// caller is the writer; mu is held, but not during a write.
func (o *outbound) writeFrame(h protocol.Header, p []byte, hold bool) error {
	if !o.pending.fits(min(len(p), copyLimit)) {
		if err := o.flush(); err != nil {
			return err
		}
	}
	h = o.complete(h, p)
	first := o.pending.add(h, p)
	if len(p) > copyLimit {
		o.mu.Unlock()
		err := o.writeLong(h, p)
		o.mu.Lock()
		return err
	}
	if hold && o.hold {
		if first {
			o.startHold()
		}
		return nil
	}
	// This is what flush does. Most writes are made here, and without its two calls they fit
	// into the stack that a goroutine begins with.
	o.mu.Unlock()
	err := o.write(o.pending.bytes())
	o.pending.n = 0
	o.mu.Lock()
	return err
}

// complete sets what a header lacks.
func (o *outbound) complete(h protocol.Header, p []byte) protocol.Header {
	h.PayloadLength = uint64(len(p))
	if o.link.side == protocol.Client {
		h.Masked, h.MaskingKey = true, newMaskingKey()
	}
	return h
}

// writeLong writes the pending frames, the last of which is the header, and a long payload. The
// caller is the writer; mu is not held.
func (o *outbound) writeLong(h protocol.Header, p []byte) error {
	if h.Masked {
		return o.writeMasked(h.MaskingKey, p)
	}
	w := &o.pending
	n := copy(w.buf[w.n:min(w.n+firstPiece, bufferSize)], p)
	w.n += int32(n)
	err := o.flushPending()
	w.discard()
	if err != nil {
		return err
	}
	return o.write(p[n:])
}

// writeMasked masks a long payload in pieces, since the application's bytes must not be changed.
func (o *outbound) writeMasked(key uint32, p []byte) error {
	w := &o.pending
	for at := 0; at < len(p); {
		n := copy(w.buf[w.n:], p[at:])
		protocol.Mask(key, at, w.buf[w.n:][:n])
		w.n += int32(n)
		at += n
		if err := o.flushPending(); err != nil {
			return err
		}
	}
	return nil
}

// newMaskingKey is unpredictable (RFC 6455 10.3).
func newMaskingKey() uint32 {
	var key [4]byte
	rand.Read(key[:])
	return binary.BigEndian.Uint32(key[:])
}

// setHold says whether frames may be held: the reader has more to decode before it waits.
func (o *outbound) setHold(hold bool) {
	o.mu.Lock()
	o.hold = hold
	o.mu.Unlock()
}

// sendHeld ends the hold and sends the held frames, for the reader, which is about to wait. If
// there is a writer, it sends them.
func (o *outbound) sendHeld() error {
	o.mu.Lock()
	o.hold = false
	if o.writing || o.pending.n == 0 {
		o.mu.Unlock()
		return nil
	}
	o.writing = true
	o.mu.Unlock()
	return o.flushAside()
}

// addHeld adds a frame to the held ones if frames are held now, which takes no writer. mu is held.
func (o *outbound) addHeld(h protocol.Header, p []byte) bool {
	if !o.hold || o.writing || len(p) > copyLimit || !o.pending.fits(len(p)) || o.open() != nil {
		return false
	}
	if o.pending.add(o.complete(h, p), p) {
		o.startHold()
	}
	return true
}

// startHold starts the time for which the pending frames are held at most.
func (o *outbound) startHold() {
	w := &o.pending
	w.overdue = false
	if w.held = true; w.timer == nil {
		w.timer = time.AfterFunc(holdTime, o.holdOver)
		return
	}
	w.timer.Reset(holdTime)
}

// holdOver sends frames that have been held for holdTime. If there is a writer, it sends them.
func (o *outbound) holdOver() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.writing {
		o.pending.overdue = true
		return
	}
	if o.pending.n == 0 {
		return
	}
	o.writing = true
	_ = o.flush() // a failure has ended the connection
	o.release()
}
