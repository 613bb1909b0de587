// Taking in frames: the verdict on each and its row.

package inspect

import (
	"math"

	"framescope/protocol"
	"framescope/protocol/feed"
)

// frame takes in one frame, whose record is at a place.
func (in *Inspector) frame(r *feed.Record, at place) {
	c := in.conns.recent
	if c == nil || c.wire != r.Conn || c.losses != in.conns.losses {
		c = in.conns.ofFrame(r.Conn, r.Time)
	}
	d := &c.sent[r.Side&1]
	in.ordinal++
	seq := in.offset + in.ordinal
	row := in.rows.add()
	row.start(r, at, c.id)
	in.judge(row, d, r, seq)
	if row.flags&flagCompressed != 0 {
		in.conns.countContext(c)
		in.conns.forgetContexts(in.budget / 8)
	}
	if row.opcode == protocol.OpClose && c.code == 0 {
		c.closer, c.code = r.Side&1, row.code
	}
	d.frames++
	if r.Flags&feed.Partial == 0 {
		d.bytes += r.WireSize
	}
	c.last = in.rows.next
	in.State.Seen++
	in.State.LastSeq = seq
	if row.broken != 0 {
		c.breach++
		in.State.Breaches++
	}
	in.matches.offer(row, in.rows.next-1)
}

// start sets what the record alone says, and clears the other fields: one by one,
// since rows are used again and copying an empty row costs more.
func (w *row) start(r *feed.Record, at place, conn uint32) {
	var flags rowFlags
	if r.Side&1 == protocol.Server {
		flags = flagServer
	}
	if r.Flags&feed.Cut != 0 {
		flags |= flagCut
	}
	if r.Flags&feed.Partial != 0 {
		flags |= flagPartial
	}
	w.slab, w.at, w.within, w.conn = at.slab, at.at, at.within, conn
	w.broken, w.back, w.seen = 0, 0, 0
	w.code, w.fragment = 0, 0
	w.opcode, w.flags = 0, flags
}

// startCut sets what an incomplete header says.
func (w *row) startCut(b []byte) {
	var padded [protocol.MaxHeaderSize]byte
	if copy(padded[:], b) == 0 {
		return
	}
	h, _ := protocol.ParseHeader(padded[:])
	if w.opcode = h.Opcode; h.Fin {
		w.flags |= flagFin
	}
	if h.Masked {
		w.flags |= flagMasked
	}
}

// judge passes the frame to its direction's decoder and fills in the row.
func (in *Inspector) judge(w *row, d *direction, r *feed.Record, seq uint64) {
	inText, _ := d.decoder.Message()
	h, broken, ok := d.decoder.Judge(r.Data)
	if !ok {
		// Its header is incomplete: what the frame meant for the message is not known.
		w.startCut(r.Data)
		d.decoder.Gap()
		d.start, d.fragment = 0, 0
		return
	}
	if h.Fin {
		w.flags |= flagFin
	}
	if h.Masked {
		w.flags |= flagMasked
	}
	w.opcode = h.Opcode
	if d.decoder.Compressed() {
		broken |= in.inflate(w, d, r)
	}
	if w.broken = broken; broken != 0 {
		rule, _ := broken.First()
		if broken.Has(protocol.RuleUTF8Invalid) {
			rule = protocol.RuleUTF8Invalid // only here it is known which byte it was
		}
		w.seen = uint32(min(d.decoder.Seen(rule), math.MaxUint32))
	}
	switch {
	case h.Opcode == protocol.OpClose:
		in.scratch = closePayload(in.scratch[:0], r)
		if closeCaptured(h, in.scratch) {
			code, _, _ := protocol.ParseClosePayload(in.scratch)
			w.code = uint16(code)
		}
	case !h.Opcode.Control():
		if h.Opcode == protocol.OpText || h.Opcode == protocol.OpContinuation && inText == protocol.OpText {
			w.flags |= flagText
		}
		d.place(w, h, seq)
	}
}

// closeCaptured reports whether the captured part of a close frame's payload contains
// the code.
func closeCaptured(h *protocol.Header, payload []byte) bool {
	return len(payload) >= 2 || uint64(len(payload)) == h.PayloadLength
}

// closePayload appends the unmasked payload of a close frame.
func closePayload(dst []byte, r *feed.Record) []byte {
	h, payload := payloadOf(r)
	return unmasked(dst, h, payload, protocol.MaxControlPayload)
}

// place says which fragment of which message a data frame is.
func (d *direction) place(w *row, h *protocol.Header, seq uint64) {
	if h.Opcode != protocol.OpContinuation {
		d.start, d.fragment = seq, 0
	}
	if d.start != 0 && (!h.Fin || h.Opcode == protocol.OpContinuation) {
		if d.fragment < math.MaxUint16 {
			d.fragment++
		}
		w.fragment = d.fragment
		w.back = uint32(min(seq-d.start, math.MaxUint32))
	}
	if h.Fin {
		d.start = 0
	}
}
