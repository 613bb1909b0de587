// The inspector: what it holds, its counts, and its bounds.

package inspect

import (
	"strconv"

	"framescope/protocol"
	"framescope/protocol/feed"
)

// Inspector holds a capture. The zero value is not ready: see [New].
type Inspector struct {
	budget   int
	input    []byte // what Input returned, until Ingest reads it
	slabs    slabList
	rows     rowList
	clear    inflatedList
	conns    connList
	matches  matchList
	garbage  int                // bytes dropped since ShouldCollect last returned true
	inflater *protocol.Inflater // while no decoder uses it
	scratch  []byte             // a frame being unmasked
	payload  []byte             // of the last Detail
	first    []byte             // bytes of it before inflating
	preview  []byte             // of a row of the window
	text     []byte             // the last result that is JSON or text

	capture [16]byte // id of the present capture
	begun   bool
	ordinal uint64 // frames that the present capture has numbered so far
	offset  uint64 // added to its frame numbers, which continue those of earlier captures
	skips   []skip

	State State

	rowWindow  RowWindow
	connWindow ConnWindow
}

// State has the counts that a page shows. They count from the last Clear, except
// those of what is held, LastSeq and the connections.
type State struct {
	Seen            uint64 // frames taken in
	Held            uint64 // frames that can still be shown
	Matched         uint64 // of these, how many match the filter
	Lost            uint64 // frames that the source dropped before they were sent
	Evicted         uint64 // frames removed to stay within the budget
	Breaches        uint64 // frames seen that break a rule
	Connections     uint64 // remembered
	OpenConnections uint64
	ConnectionsSeen uint64 // and those open at the last Clear
	BytesHeld       uint64
	Budget          uint64 // bytes
	LastSeq         uint64 // number of the newest frame
}

// minBudget is enough for two slabs and a page of rows.
const minBudget = 4 << 20

// New makes an inspector that holds at most about budget bytes of frames, rows
// included, but no less than 4 MiB.
func New(budget int) *Inspector {
	in := &Inspector{budget: max(budget, minBudget)}
	in.conns.init()
	in.State.Budget = uint64(in.budget)
	return in
}

// Input returns n bytes for the caller to fill before it calls Ingest, which reads
// them without a copy. They are valid until the next call.
func (in *Inspector) Input(n int) []byte {
	if in.clear.left < keptInflated {
		in.slabs.push(n, in.rows.next) // so that frames that inflated to much can be evicted
	}
	in.input = in.slabs.tail(n, in.rows.next)
	if len(in.slabs.last().data) == 0 {
		in.clear.begin(in.budget / 8)
	}
	return in.input
}

// ResumeQuery returns the query by which a feed continues where this one stopped: the
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

// evict removes the oldest slabs until everything fits the budget.
func (in *Inspector) evict() {
	for in.held() > in.budget && len(in.slabs.slabs) > 1 {
		in.garbage += in.slabs.drop()
		first := in.slabs.slabs[0].rows
		in.State.Evicted += first - in.rows.first
		in.garbage += in.rows.drop(first)
		in.garbage += in.clear.drop(first)
	}
	in.matches.drop(in.rows.first)
	for len(in.skips) > 1 && in.skips[1].row <= in.rows.first {
		in.skips = in.skips[1:]
	}
}

// held is how many bytes all frames and connections take.
func (in *Inspector) held() int {
	return in.slabs.held + in.rows.bytes() + in.clear.bytes + in.conns.bytes()
}

// maxGarbage is how many bytes may be dropped before ShouldCollect asks for a garbage
// collection.
const maxGarbage = 16 << 20

// ShouldCollect reports whether so many bytes have been dropped since it last said so that
// the caller should run the garbage collector.
func (in *Inspector) ShouldCollect() bool {
	if in.garbage+in.conns.gone < maxGarbage {
		return false
	}
	in.garbage, in.conns.gone = 0, 0
	return true
}

// Clear removes all frames and every connection that has ended.
func (in *Inspector) Clear() {
	for len(in.slabs.slabs) > 0 {
		in.garbage += in.slabs.drop()
	}
	in.garbage += in.rows.drop(in.rows.next)
	in.garbage += in.clear.drop(in.rows.next)
	in.matches.drop(in.rows.first)
	in.conns.clear()
	s := &in.State
	s.Seen, s.Lost, s.Evicted, s.Breaches = 0, 0, 0, 0
}

// Refresh brings State up to date with what is held and returns it.
func (in *Inspector) Refresh() *State {
	s := &in.State
	s.Held = in.rows.next - in.rows.first
	s.Matched = in.matched()
	s.Connections = uint64(in.conns.all.length)
	s.ConnectionsSeen = in.conns.seen
	s.OpenConnections = uint64(in.conns.open.length)
	s.BytesHeld = uint64(in.held())
	return s
}

// record returns the record of a row; if that is a run, only the row's frame.
func (in *Inspector) record(w *row) (r feed.Record) {
	r.Parse(in.slabs.from(w.slab, w.at))
	if w.within > 0 {
		run := r
		run.FrameAt(int(w.within), &r)
	}
	return r
}
