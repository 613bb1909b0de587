// What compressed frames inflate to: kept beside the rows, since it cannot be computed
// again once earlier frames have been removed.

package inspect

import (
	"slices"
	"unsafe"

	"framescope/protocol"
	"framescope/protocol/feed"
)

// How much of what a frame inflates to is kept, in bytes: the most, and what is kept
// of each when many come at once.
const (
	keptInflated  = 64 << 10
	leastInflated = 1 << 10
)

// inflatedFrame is what one frame inflates to.
type inflatedFrame struct {
	row  uint64 // index
	size uint64 // all of it
	data []byte // its beginning
}

// inflatedOverhead is the size of an entry without its data, in bytes.
const inflatedOverhead = 48

// inflatedList is a queue, in the order of the rows.
type inflatedList struct {
	list  []inflatedFrame
	bytes int
	left  int // bytes that the frames of this slab may still add; negative beyond that
	extra int // how far below 0 left may fall
}

// begin is called at the beginning of a slab: its frames may add size bytes, and as many
// more in small pieces.
func (l *inflatedList) begin(size int) { l.left, l.extra = size, size }

func (l *inflatedList) add(row, size uint64, data []byte) {
	l.list = append(l.list, inflatedFrame{row, size, append([]byte(nil), data...)})
	l.bytes += len(data) + inflatedOverhead
	l.left -= len(data) + inflatedOverhead
}

// limit is how much of the next frame is kept.
func (l *inflatedList) limit() int {
	if l.left < -l.extra {
		return 0
	}
	return min(max(l.left, leastInflated), keptInflated)
}

// of returns the entry of a row, or nil.
func (l *inflatedList) of(row uint64) *inflatedFrame {
	i, ok := slices.BinarySearchFunc(l.list, row, func(f inflatedFrame, row uint64) int {
		switch {
		case f.row < row:
			return -1
		case f.row > row:
			return 1
		}
		return 0
	})
	if !ok {
		return nil
	}
	return &l.list[i]
}

// drop removes the entries of rows before index first and returns how many bytes they
// used.
func (l *inflatedList) drop(first uint64) (freed int) {
	before, gone := l.bytes, 0
	for gone < len(l.list) && l.list[gone].row < first {
		l.bytes -= len(l.list[gone].data) + inflatedOverhead
		gone++
	}
	if gone > 0 {
		// The remaining entries are not moved: that would cost more the more there are.
		clear(l.list[:gone])
		l.list = l.list[gone:]
	}
	return before - l.bytes
}

// inflaterSize is the memory of a decoder in the middle of a message, in bytes.
const inflaterSize = int(unsafe.Sizeof(protocol.Inflater{}))

// inflate inflates a compressed frame in its connection's context, keeps the result and
// returns the rules that it breaks. w is the newest row. One Inflater goes from message to message.
func (in *Inspector) inflate(w *row, d *direction, r *feed.Record) (broken protocol.Rules) {
	h, payload := payloadOf(r)
	if h.Opcode != protocol.OpContinuation {
		in.inflater, d.hasInflater = d.decoder.SwapInflater(in.inflater), true
	}
	w.flags |= flagCompressed
	if !d.decoder.ContextLost() {
		in.scratch = unmasked(in.scratch[:0], h, payload, len(payload))
		in.payload, broken = d.decoder.InflateSome(in.payload[:0], in.scratch, in.clear.limit())
	}
	if d.decoder.ContextLost() { // perhaps only this frame showed it
		w.flags |= flagLost
	} else {
		in.clear.add(in.rows.next-1, d.decoder.Inflated(), in.payload)
	}
	if h.Fin {
		in.inflater, d.hasInflater = d.decoder.SwapInflater(nil), false
	}
	return broken
}

const (
	missingContext = "bytes before it were not captured, or could not be inflated, and the sender's compression builds on them (context takeover, RFC 7692 7.1.1)."
	cannotInflate  = "compressed; cannot be inflated, since bytes before it are missing or corrupt"
)

// inflatedStart returns the beginning of what a row's frame inflates to, at most limit
// bytes, and whether that is all of it.
func (in *Inspector) inflatedStart(w *row, index uint64, limit int) (p []byte, whole bool) {
	if w.flags&flagCompressed == 0 {
		return nil, false
	}
	f := in.clear.of(index)
	if f == nil {
		return nil, false
	}
	p = f.data[:min(len(f.data), limit)]
	return p, uint64(len(p)) == f.size
}
