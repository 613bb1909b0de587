// Catching up: watchers that come late, come back, or were overtaken.

package tap

import (
	"encoding/binary"

	"framescope/protocol/feed"
)

// catchUp goes to the oldest block and returns a batch that says what must be known to
// begin there: how many frames were lost, and what has changed in the open connections.
// While there is more to tell than fits a batch the watcher stays behind; the next one
// says what is different by then. So it keeps nothing of what is past, however slowly it
// reads.
func (w *Watcher) catchUp() []byte {
	h, told := w.h, w.frames
	h.openConns.mu.Lock()
	h.absorbAll()
	s := h.openConns.snapshot()
	w.enter(h.first)
	h.openConns.mu.Unlock()
	h.mu.Unlock()

	if w.batch == nil && w.known.last == 0 {
		w.batch = make([]byte, 0, min(s.bytes+4<<10, blockSize)) // all of it is to be told
	}
	batch := append(w.batch[:0], w.begin...)
	w.begin = nil
	if lost := w.frames - told; lost > 0 {
		data := binary.LittleEndian.AppendUint64(nil, lost)
		batch = feed.Append(batch, feed.Record{Kind: feed.Lost, Time: h.now(), Data: data})
	}
	if w.spent > s.bytes+blockSize {
		// All of it would have been told by now, had it not changed meanwhile. It changes
		// faster than this watcher reads: ids must do.
		batch, w.behind = w.known.appendAll(batch, s, h.now()), false
	} else {
		batch, w.behind = w.known.appendChanges(batch, s, blockSize, h.now())
	}
	if w.spent += int64(len(batch)); w.behind {
		w.batch = batch
	} else {
		w.batch, w.spent = nil, 0
	}
	return batch
}

// skipTo goes on from the oldest block to behind the frame with an ordinal: who has seen
// that frame knows all that went before. What is left of a run that it is in the midst of
// comes first.
func (w *Watcher) skipTo(ordinal uint64) {
	h := w.h
	h.mu.Lock()
	for w.block.after < ordinal {
		next := w.block.next
		if w.block.evicted {
			next = h.first
		}
		if w.behind = next.before >= ordinal; w.behind {
			break
		}
		w.enter(next)
		h.mu.Unlock() // there may be many blocks
		h.mu.Lock()
	}
	data, frames := w.block.data, w.block.before
	h.mu.Unlock()
	if w.frames = ordinal; w.behind {
		return // overtaken on the way
	}
	for frames < ordinal {
		var r feed.Record
		n, err := r.Parse(data[w.at:])
		if n == 0 || err != nil {
			break
		}
		w.at += n
		for frame := range r.Frames() {
			if frames++; frames > ordinal {
				w.begin = feed.Append(w.begin, frame)
				w.frames = frames
			}
		}
	}
}
