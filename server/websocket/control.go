// Control frames of the reader's and of Shutdown's, which must not wait; and the close frame.

package websocket

import (
	"time"

	"framescope/protocol"
)

// maxLate bounds the control frames that wait for a writer, in bytes.
const maxLate = 8 << 10

// post sends a control frame for the reader, which waits neither for a writer nor for the socket: if
// there is a writer, it sends the frame. After our close frame nothing is sent.
func (o *outbound) post(op protocol.Opcode, payload []byte) error {
	o.mu.Lock()
	if o.open() != nil {
		o.mu.Unlock()
		return nil
	}
	h := protocol.Header{Fin: true, Opcode: op}
	switch {
	case o.addHeld(h, payload):
		o.mu.Unlock()
		return nil
	case o.writing:
		o.addLate(o.complete(h, payload), payload)
		o.mu.Unlock()
		return nil
	case o.pending.fits(len(payload)):
		o.pending.add(o.complete(h, payload), payload)
	default:
		o.addLate(o.complete(h, payload), payload) // sent when the role is released
	}
	o.writing = true
	o.mu.Unlock()
	return o.flushAside()
}

// addLate adds a control frame to those that wait for a writer. When they are more than maxLate
// the older ones are dropped: RFC 6455 5.5.3 allows to answer the newest ping alone.
func (o *outbound) addLate(h protocol.Header, payload []byte) {
	w := o.wait()
	if len(w.late)+h.Size()+len(payload) > maxLate {
		w.late = w.late[:0]
	}
	w.late = appendMasked(protocol.AppendHeader(w.late, h), h, payload)
}

// sendClose sends our close frame. If there is a writer it waits for it, but no longer than a close
// handshake may take.
func (o *outbound) sendClose(code protocol.CloseCode, reason string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.writing {
		late := time.AfterFunc(o.link.options.CloseTimeout, o.closeNow)
		defer late.Stop()
	}
	o.claim()
	err := o.writeClose(code, reason)
	o.release()
	return err
}

// sendQueueAndClose sends what is queued, unless a message in parts is under way, and our close
// frame.
func (o *outbound) sendQueueAndClose(code protocol.CloseCode, reason string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.claimAndSendQueue()
	err := o.writeClose(code, reason)
	o.release()
	return err
}

// sendAll sends what is held and queued, and reports whether the connection was open.
func (o *outbound) sendAll() (wasOpen bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.claimAndSendQueue()
	if wasOpen = o.open() == nil; wasOpen {
		_ = o.flush() // a failure has ended the connection
	}
	o.release()
	return wasOpen
}

// claimAndSendQueue makes the caller the writer and sends what is queued, unless the application
// is sending a message in parts. mu is held, but not while it waits or writes.
func (o *outbound) claimAndSendQueue() {
	for {
		for o.queue != nil && o.inMessage && !o.inParts && !o.link.ended.Load() {
			o.wait().turn.Wait()
		}
		o.claim()
		if o.queue == nil {
			return
		}
		if !o.inMessage {
			o.leaveQueue() // for OnDrain's function
			o.sendBatch()
			return
		}
		if o.inParts || o.link.ended.Load() {
			return
		}
		o.release()
	}
}

// postClose sends our close frame without waiting. It does nothing and reports false if something
// else has to be sent before.
func (o *outbound) postClose(code protocol.CloseCode, reason string) bool {
	var payload [protocol.MaxControlPayload]byte
	p := protocol.AppendClosePayload(payload[:0], code, reason)
	o.mu.Lock()
	if o.writing || o.inMessage || o.open() != nil || o.queue.busy() || !o.pending.fits(len(p)) {
		o.mu.Unlock()
		return false
	}
	h := protocol.Header{Fin: true, Opcode: protocol.OpClose}
	o.pending.add(o.complete(h, p), p)
	o.writing, o.closeSent = true, true
	o.mu.Unlock()
	_ = o.flushAside() // a failure has ended the connection
	return true
}

// writeClose writes our close frame; once is enough (RFC 6455 5.5.1). The caller is the writer; mu
// is held, but not meanwhile.
func (o *outbound) writeClose(code protocol.CloseCode, reason string) error {
	if o.closeSent {
		return nil
	}
	if o.link.ended.Load() {
		return ErrClosed
	}
	var payload [protocol.MaxControlPayload]byte
	h := protocol.Header{Fin: true, Opcode: protocol.OpClose}
	o.closeSent = true
	return o.writeFrame(h, protocol.AppendClosePayload(payload[:0], code, reason), false)
}
