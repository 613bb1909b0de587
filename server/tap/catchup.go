// Catching up: watchers that come late, come back, or fall behind.

package tap

import (
	"encoding/binary"

	"framescope/protocol/feed"
)

// catchUp moves to the oldest block and returns a batch with what a reader must know to begin
// there: how many frames were lost, and what has changed in the open connections. If that
// does not fit into a batch, the watcher is still behind, and the next batch has what is
// different by then. So a watcher keeps no old state, however slowly it reads.
func (w *Watcher) catchUp() []byte {
	h, seen := w.h, w.frames
	h.openConns.mu.Lock()
	h.absorbAll()
	s := h.openConns.snapshot()
	w.enter(h.first)
	h.openConns.mu.Unlock()
	h.mu.Unlock()

	if w.batch == nil && w.known.last == 0 {
		w.batch = make([]byte, 0, min(s.bytes+4<<10, blockSize)) // a new watcher gets all of it
	}
	batch := append(w.batch[:0], w.begin...)
	w.begin = nil
	if lost := w.frames - seen; lost > 0 {
		data := binary.LittleEndian.AppendUint64(nil, lost)
		batch = feed.Append(batch, feed.Record{Kind: feed.Lost, Time: h.now(), Data: data})
	}
	if w.caughtUp > s.bytes+blockSize {
		// All of it would have been sent by now, had it not changed meanwhile. It changes
		// faster than this watcher reads: it gets the ids only.
		batch, w.behind = w.known.appendAll(batch, s, h.now()), false
	} else {
		batch, w.behind = w.known.appendChanges(batch, s, blockSize, h.now())
	}
	if w.caughtUp += int64(len(batch)); w.behind {
		w.batch = batch
	} else {
		w.batch, w.caughtUp = nil, 0
	}
	return batch
}

// skipTo moves from the oldest block past the frame with an ordinal: a reader that has seen
// that frame has seen everything before it. If the frame is inside a run, the later frames of
// the run are returned first.
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
		return // its block has been evicted meanwhile
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
