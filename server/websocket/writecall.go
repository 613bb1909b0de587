// A write that a context may cancel: how far it has come when that happens.

package websocket

import "context"

// writeCall is a write that a context may cancel; a nil one cannot be cancelled. The outbound
// half's mu guards state and late, and is held by the callers of all methods but cancel and
// wasCut.
type writeCall struct {
	ctx   context.Context
	what  string
	state writeState
	late  bool // cancelled after it was committed
}

type writeState uint8

const (
	writeWaits     writeState = iota // for other writes
	writeCommitted                   // it must be sent, but others may be sent before
	writeSends                       // from begin to end
	writeCancelled                   // while it waited: nothing is sent
	writeCut                         // while it was being sent: it must not wait for the peer any more
	writeEnded
)

// cancelled returns an error if the write was cancelled while it waited.
func (w *writeCall) cancelled() error {
	if w == nil || w.state != writeCancelled {
		return nil
	}
	return contextError(w.what, w.ctx)
}

// commit is called when the message's turn has come. With an error nothing may be sent, without
// one it must be.
func (w *writeCall) commit() error {
	if w == nil {
		return nil
	}
	if w.state == writeCancelled {
		return w.cancelled()
	}
	w.state = writeCommitted
	return nil
}

// begin is called by the writer before it sends. With an error it must not.
func (w *writeCall) begin(o *outbound) error {
	if w == nil {
		return nil
	}
	if w.state == writeCancelled {
		return w.cancelled()
	}
	w.state = writeSends
	if w.late {
		w.cut(o)
	}
	return nil
}

// end is called by the writer after it has sent, or failed to.
func (w *writeCall) end(o *outbound) {
	switch {
	case w == nil:
	case w.state == writeCut:
		o.cut = false
		_ = o.armWrite()
	default:
		w.state = writeEnded
	}
}

// cut has a write that waits for the peer fail now.
func (w *writeCall) cut(o *outbound) {
	w.state, o.cut = writeCut, true
	_ = o.armWrite()
}

// cancel is called when the context is done.
func (w *writeCall) cancel(o *outbound) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch w.state {
	case writeWaits:
		w.state = writeCancelled
		if o.waiters != nil { // it is among those that are woken
			o.waiters.role.Broadcast()
			o.waiters.first.Broadcast()
			o.waiters.turn.Broadcast()
		}
	case writeCommitted:
		w.late = true
	case writeSends:
		w.cut(o)
	}
}

// wasCut reports whether the write was cancelled while it was being sent.
func (w *writeCall) wasCut(o *outbound) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return w.state == writeCut
}
