// The inspector: takes capture records in and keeps rows, connections and counts.

package inspect

import (
	"encoding/binary"
	"math"
	"strconv"

	"framescope/protocol"
	"framescope/protocol/feed"
)

// Inspector holds a capture. The zero value is not ready: see [New].
type Inspector struct {
	budget  int
	input   []byte // handed out by Input, not yet taken in
	slabs   slabList
	rows    rowList
	conns   connList
	matches matchList
	scratch []byte // a frame being unmasked
	payload []byte // of the last detail
	preview []byte // of a row of the window
	text    []byte // last answer in words or JSON

	capture [16]byte // id of the present capture
	begun   bool
	ordinal uint64 // frames that the present capture has numbered so far
	offset  uint64 // what its numbers are moved by, to go on from earlier captures
	skips   []skip

	State State

	rowWindow  RowWindow
	connWindow ConnWindow
}

// State are the counts that a page shows. All are since the last Clear, but for
// what is held, LastSeq and the connections.
type State struct {
	Seen            uint64 // frames taken in
	Held            uint64 // frames that can still be shown
	Matched         uint64 // of these, how many pass the filter
	Lost            uint64 // frames that the source dropped before they came here
	Evicted         uint64 // frames that went to stay within the budget
	Breaches        uint64 // frames seen that break a rule
	Connections     uint64 // remembered
	OpenConnections uint64
	BytesHeld       uint64
	Budget          uint64 // bytes
	LastSeq         uint64 // number of the newest frame
}

// skip says that from a row on, sequence numbers are further ahead of rows.
type skip struct{ row, by uint64 }

// minBudget leaves room for two slabs and a page of rows.
const minBudget = 4 << 20

// New makes an inspector that holds at most about budget bytes of frames, rows
// included, but no less than 4 MiB.
func New(budget int) *Inspector {
	in := &Inspector{budget: max(budget, minBudget)}
	in.State.Budget = uint64(in.budget)
	return in
}

// Input gives n bytes for the caller to fill before Ingest, which then takes
// them in without a copy. They are valid until the next call.
func (in *Inspector) Input(n int) []byte {
	in.input = in.slabs.tail(n, in.rows.next)
	return in.input
}

// Ingest takes in the batch of whole records that was written to [Inspector.Input].
// At a malformed record it stops; what came before stays.
func (in *Inspector) Ingest() error {
	s := in.slabs.last()
	if s == nil {
		return nil
	}
	batch := in.input
	number, at := in.slabs.lastNumber(), len(s.data)
	s.data = s.data[:at+len(batch)]
	in.input = nil
	var r feed.Record
	for len(batch) > 0 {
		n, err := r.Parse(batch)
		if err == nil && n == 0 {
			err = errCutRecord
		}
		if err != nil {
			s.data = s.data[:at]
			return err
		}
		if r.Kind == feed.Frame {
			in.frame(&r, number, uint32(at))
		} else {
			in.other(&r)
		}
		batch = batch[n:]
		at += n
	}
	in.evict()
	return nil
}

type ingestError string

func (e ingestError) Error() string { return string(e) }

const errCutRecord = ingestError("inspect: the batch ends inside a record")

// other takes in a record that is no frame.
func (in *Inspector) other(r *feed.Record) {
	switch r.Kind {
	case feed.Begin:
		in.begin(r.Data)
	case feed.Open:
		in.openConn(r)
	case feed.Head:
		in.head(r)
	case feed.Closed:
		c := in.conns.of(r.Conn)
		if c.closer == sideUnknown {
			c.closer = r.Side
		}
		in.conns.close(c, r.Time)
	case feed.Lost:
		if len(r.Data) >= 8 {
			in.lose(binary.LittleEndian.Uint64(r.Data))
		}
	case feed.Known:
		in.closeUnknown(r.Data, r.Time)
	}
}

// begin starts or resumes a capture: its id and how many frames came before.
func (in *Inspector) begin(data []byte) {
	if len(data) < 24 {
		return
	}
	id, before := [16]byte(data), binary.LittleEndian.Uint64(data[16:])
	if !in.begun || id != in.capture {
		in.conns.restart()
		in.capture, in.begun = id, true
		in.offset, in.ordinal = in.State.LastSeq, 0
	}
	if before > in.ordinal {
		in.lose(before - in.ordinal)
	}
}

// ResumeQuery is the query by which a feed goes on where this one stopped: the
// capture's id and how many of its frames have been numbered. ok is false before
// the first Begin.
func (in *Inspector) ResumeQuery() (query []byte, ok bool) {
	if !in.begun {
		return nil, false
	}
	in.text = append(in.text[:0], "capture="...)
	for _, b := range in.capture {
		in.text = append(in.text, hexDigits[b>>4], hexDigits[b&0xF])
	}
	in.text = append(in.text, "&after="...)
	in.text = strconv.AppendUint(in.text, in.ordinal, 10)
	return in.text, true
}

func (in *Inspector) openConn(r *feed.Record) {
	c := in.conns.of(r.Conn)
	c.opened = r.Time
	if len(r.Data) >= 8 {
		c.sent[protocol.Client].decoder.MaxMessageSize = binary.LittleEndian.Uint64(r.Data)
		c.remote = string(r.Data[8:])
	}
}

// head takes in the head of a handshake; one that is known already stays.
func (in *Inspector) head(r *feed.Record) {
	c := in.conns.of(r.Conn)
	d := &c.sent[r.Side&1]
	if d.head != nil {
		return
	}
	d.head = append([]byte{}, r.Data[:min(len(r.Data), maxHead)]...)
	h, n := protocol.ParseHead(d.head)
	switch {
	case n == 0:
	case r.Side == protocol.Client:
		_, c.path = protocol.RequestOf(h)
	default:
		c.status = uint16(protocol.StatusOf(h))
		if c.state == connHandshake && c.status == 101 {
			c.state = connOpen
		} else if c.state == connHandshake {
			c.state = connRefused
		}
	}
}

// lose counts frames that never came: what was open in any connection is
// unknown from here on.
func (in *Inspector) lose(n uint64) {
	in.ordinal += n
	in.State.Lost += n
	in.State.LastSeq = in.offset + in.ordinal
	if last := len(in.skips) - 1; last >= 0 && in.skips[last].row == in.rows.next {
		in.skips = in.skips[:last]
	}
	in.skips = append(in.skips, skip{in.rows.next, in.State.LastSeq - in.rows.next})
	for _, c := range in.conns.list {
		c.gap()
	}
}

// closeUnknown closes every connection whose id is not among the open ones.
func (in *Inspector) closeUnknown(ids []byte, time int64) {
	open := map[uint32]bool{}
	for ; len(ids) >= 4; ids = ids[4:] {
		open[binary.LittleEndian.Uint32(ids)] = true
	}
	for wire, c := range in.conns.byWire {
		if !open[wire] {
			in.conns.close(c, time)
		}
	}
}

// frame takes in one frame, whose record is at an offset of a slab.
func (in *Inspector) frame(r *feed.Record, slab, at uint32) {
	c := in.conns.of(r.Conn)
	d := &c.sent[r.Side&1]
	in.ordinal++
	seq := in.offset + in.ordinal
	row := in.rows.add()
	row.start(r, slab, at, c.id)
	in.judge(row, d, r, seq)
	if row.opcode == protocol.OpClose && c.code == 0 {
		c.closer, c.code = r.Side&1, row.code
	}
	d.frames++
	d.bytes += r.WireSize
	c.last = in.rows.next
	in.State.Seen++
	in.State.LastSeq = seq
	if row.broken != 0 {
		c.breach++
		in.State.Breaches++
	}
	in.matches.offer(row, in.rows.next-1)
}

// start fills in what the record alone tells, and clears the rest: field by
// field, since rows are recycled and a copy of a fresh one costs more.
func (w *row) start(r *feed.Record, slab, at, conn uint32) {
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
	w.slab, w.at, w.conn = slab, at, conn
	w.broken, w.back, w.seen = 0, 0, 0
	w.code, w.fragment = 0, 0
	w.opcode, w.flags = 0, flags
}

// judge runs the frame through its direction's decoder and fills in the row.
func (in *Inspector) judge(w *row, d *direction, r *feed.Record, seq uint64) {
	inText, _ := d.decoder.Message()
	h, broken, ok := d.decoder.Judge(r.Data)
	if !ok {
		return // the connection ended inside the header
	}
	if h.Fin {
		w.flags |= flagFin
	}
	if h.Masked {
		w.flags |= flagMasked
	}
	w.opcode = h.Opcode
	if w.broken = broken; broken != 0 {
		rule, _ := broken.First()
		w.seen = uint32(min(d.decoder.Seen(rule), math.MaxUint32))
	}
	switch {
	case h.Opcode == protocol.OpClose:
		in.scratch = closePayload(in.scratch[:0], r)
		code, _, _ := protocol.ParseClosePayload(in.scratch)
		w.code = uint16(code)
	case !h.Opcode.Control():
		if h.Opcode == protocol.OpText || h.Opcode == protocol.OpContinuation && inText == protocol.OpText {
			w.flags |= flagText
		}
		d.place(w, h, seq)
	}
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

// evict forgets the oldest slabs until all fits the budget.
func (in *Inspector) evict() {
	for in.slabs.held+in.rows.bytes() > in.budget && len(in.slabs.slabs) > 1 {
		in.slabs.drop()
		first := in.slabs.slabs[0].rows
		in.State.Evicted += first - in.rows.first
		in.rows.drop(first)
	}
	in.matches.drop(in.rows.first)
	for len(in.skips) > 1 && in.skips[1].row <= in.rows.first {
		in.skips = in.skips[1:]
	}
}

// Clear forgets all frames and every connection that has ended.
func (in *Inspector) Clear() {
	for len(in.slabs.slabs) > 0 {
		in.slabs.drop()
	}
	in.rows.drop(in.rows.next)
	in.matches.drop(in.rows.first)
	for i := len(in.conns.list) - 1; i >= 0; i-- {
		if in.conns.list[i].ended != 0 {
			in.conns.forget(i)
		}
	}
	s := &in.State
	s.Seen, s.Lost, s.Evicted, s.Breaches = 0, 0, 0, 0
}

// Refresh brings State up to date with what is held and returns it.
func (in *Inspector) Refresh() *State {
	s := &in.State
	s.Held = in.rows.next - in.rows.first
	s.Matched = in.matched()
	s.Connections = uint64(len(in.conns.list))
	s.OpenConnections = uint64(in.conns.open)
	s.BytesHeld = uint64(in.slabs.held + in.rows.bytes())
	return s
}

// seqOf is the number of the frame in row i.
func (in *Inspector) seqOf(i uint64) uint64 {
	low, high := 0, len(in.skips)
	for low < high {
		if mid := (low + high) / 2; in.skips[mid].row <= i {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == 0 {
		return i + 1
	}
	return i + 1 + in.skips[low-1].by
}

// rowAfter is the row of frame seq, or of the first held frame after it; it may
// be the next row, that has not come yet.
func (in *Inspector) rowAfter(seq uint64) uint64 {
	low, high := in.rows.first, in.rows.next
	for low < high {
		if mid := (low + high) / 2; in.seqOf(mid) < seq {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// record reads the record of a row again.
func (in *Inspector) record(w *row) feed.Record {
	r, _, _ := feed.Parse(in.slabs.from(w.slab, w.at))
	return r
}
