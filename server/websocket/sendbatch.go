// Batches: what is in the send queue is removed and written together.

package websocket

import "framescope/protocol"

// sendBatch sends all that is queued now. The caller is the writer; mu is held, but not meanwhile.
func (o *outbound) sendBatch() {
	batch := o.queue.removeAll()
	open := o.open() == nil
	o.mu.Unlock()
	if open {
		_ = o.writeBatch(batch) // a failure has ended the connection
	}
	o.uncount(batch)
	clear(batch)
	o.mu.Lock()
}

// writeBatch sends whole frames behind the pending ones: copied together where they are short,
// else from where they lie. The caller is the writer; mu is not held.
func (o *outbound) writeBatch(batch []*Prepared) error {
	if o.link.side == protocol.Client {
		return o.writeMaskedBatch(batch)
	}
	w := &o.pending
	if len(batch) == 1 && w.n == 0 {
		return o.write(batch[0].frameFor(o))
	}
	for _, m := range batch {
		wire := m.frameFor(o)
		if int(w.n)+len(wire) > bufferSize {
			if err := o.flushPending(); err != nil {
				return err
			}
		}
		if len(wire) > bufferSize {
			if err := o.write(wire); err != nil {
				return err
			}
			continue
		}
		w.n = int32(len(append(w.space(), wire...)))
	}
	return o.flushPending()
}

// writeMaskedBatch is writeBatch for a client, which masks each frame anew.
func (o *outbound) writeMaskedBatch(batch []*Prepared) error {
	w := &o.pending
	for _, m := range batch {
		h, n := protocol.ParseHeader(m.frameFor(o))
		p := m.frameFor(o)[n:]
		if !w.fits(min(len(p), copyLimit)) {
			if err := o.flushPending(); err != nil {
				return err
			}
		}
		h = o.complete(h, p)
		w.add(h, p)
		if len(p) > copyLimit {
			if err := o.writeMasked(h.MaskingKey, p); err != nil {
				return err
			}
		}
	}
	return o.flushPending()
}
