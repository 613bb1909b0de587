// The history: a bounded queue of blocks full of records.

package tap

import (
	"crypto/rand"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"framescope/protocol"
	"framescope/protocol/feed"
)

const (
	// blockSize is the usual size of a block in bytes, and the most that a
	// watcher gets at once.
	blockSize = 256 << 10
	// liveHistory is how much is kept for watchers when history is off.
	liveHistory = 4 << 20
	// stageSize is how much is gathered before it goes into a block, in bytes. Memory
	// that no cache holds takes one long stretch in a third of the time that it takes
	// many short ones.
	stageSize = 32 << 10
	// longRecord is a stretch of its own.
	longRecord = 8 << 10
)

// block is a stretch of records. Bytes are only ever added behind data, within
// its capacity, so what a watcher has been given never changes.
type block struct {
	data    []byte
	before  uint64 // frames captured before the first one here
	after   uint64 // frames captured up to the last one here
	next    *block // nil for the last, and for one that has been evicted
	evicted bool
	entered bool     // a watcher is or was in it, and may keep pieces of it
	told    []int32  // where Open and Head records are
	closed  []uint32 // connections whose Closed record is here
}

// history holds the newest records. Its lock is held for as long as a copy of
// the bytes takes, and never while anybody waits.
type history struct {
	id        [16]byte
	limit     int64 // bytes of blocks; 0 for none unless watched
	snap      uint32
	start     time.Time
	epoch     int64 // start in ns since the Unix epoch
	recording atomic.Bool
	unseen    atomic.Uint64 // frames that passed while nothing was recorded

	mu       sync.Mutex
	flood    flood
	first    *block
	last     *block
	stage    block  // records that follow those of last
	spare    []byte // of an evicted block, to be used again
	bytes    int64
	frames   uint64 // captured so far
	past     past
	nextConn uint32
	watchers map[*Watcher]struct{}
	waiting  int // watchers that want to be woken
}

func (h *history) init(o Options) {
	rand.Read(h.id[:])
	h.limit, h.snap, h.start = o.History, uint32(min(max(o.Snap, 0), math.MaxUint32)), time.Now()
	h.epoch = h.start.UnixNano()
	h.flood.init(h.limit, h.snap)
	h.past, h.watchers = past{}, map[*Watcher]struct{}{}
	h.recording.Store(h.limit > 0)
}

// now is wall-clock time that never goes back.
func (h *history) now() int64 { return h.epoch + int64(time.Since(h.start)) }

// writer adds the records of one call, under one lock and at one time.
type writer struct {
	h    *history
	time int64
}

// write begins to add records; ok is false when nothing is recorded at present.
func (h *history) write() (w writer, ok bool) {
	if !h.recording.Load() {
		return w, false
	}
	w = h.tell()
	if !h.recording.Load() {
		w.done()
		return w, false
	}
	h.flood.pass(w.time)
	return w, true
}

// tell begins to add records, or to note what late watchers must know.
func (h *history) tell() writer {
	h.mu.Lock()
	return writer{h, h.now()}
}

func (w *writer) done() {
	if w.h.waiting > 0 {
		w.h.wake()
	}
	w.h.mu.Unlock()
}

func (w *writer) frame(r *feed.Record) {
	h := w.h
	r.Time = w.time
	b := h.append(r)
	h.frames++
	b.after = h.frames
	h.flood.add(1, r.WireSize, w.time)
}

// run adds several frames as one record.
func (w *writer) run(r *feed.Record, whole feed.Stretch, limit uint32) {
	h := w.h
	r.Time = w.time
	b := h.tail(whole.Size())
	b.data = r.AppendRun(b.data, whole, limit)
	h.frames += uint64(whole.Frames)
	b.after = h.frames
	h.flood.add(uint64(whole.Frames), uint64(whole.Bytes), w.time)
}

// append adds a record behind all others and returns the block that it is in; h.mu
// is held.
func (h *history) append(r *feed.Record) *block {
	b := h.tail(feed.HeaderSize + 8 + len(r.Data))
	b.data = r.Append(b.data)
	return b
}

// tail is the block that takes the next record, of at most size bytes.
func (h *history) tail(size int) *block {
	if size > longRecord {
		h.unload()
		h.makeRoom(size, h.frames)
		return h.last
	}
	s := &h.stage
	if cap(s.data)-len(s.data) < size {
		h.unload()
		if s.data == nil {
			s.data = make([]byte, 0, stageSize)
		}
	}
	if len(s.data) == 0 {
		s.before, s.after = h.frames, h.frames
	}
	return s
}

// unload moves what is gathered into a block.
func (h *history) unload() {
	s := &h.stage
	if len(s.data) == 0 {
		return
	}
	h.makeRoom(len(s.data), s.before)
	for _, at := range s.told {
		h.last.told = append(h.last.told, int32(len(h.last.data))+at)
	}
	h.last.data = append(h.last.data, s.data...)
	h.last.after = s.after
	h.last.closed = append(h.last.closed, s.closed...)
	s.data, s.told, s.closed = s.data[:0], s.told[:0], s.closed[:0]
}

// makeRoom begins a new block, before which there were frames, if the last cannot
// hold size bytes more.
func (h *history) makeRoom(size int, frames uint64) {
	if h.last == nil || cap(h.last.data)-len(h.last.data) < size {
		h.push(&block{data: h.room(size), before: frames, after: frames})
	}
}

// room is an empty buffer for a block that must hold size bytes.
func (h *history) room(size int) []byte {
	if b := h.spare; size <= cap(b) {
		h.spare = nil
		return b
	}
	return make([]byte, 0, max(blockSize, size))
}

func (h *history) push(b *block) {
	if h.last == nil {
		h.first = b
	} else {
		h.last.next = b
	}
	h.last = b
	h.bytes += int64(cap(b.data))
	limit := h.limit
	if limit == 0 {
		limit = liveHistory
	}
	for h.bytes > limit && h.first != h.last {
		h.evict()
	}
}

// evict forgets the first block but for what late watchers must know. A watcher
// that is still in it keeps that one block, not those behind it.
func (h *history) evict() {
	b := h.first
	h.first = b.next
	h.bytes -= int64(cap(b.data))
	b.next, b.evicted = nil, true
	h.past.add(b)
	if !b.entered && cap(b.data) == blockSize {
		h.spare = b.data[:0]
	}
	if h.first == nil {
		h.last = nil
	}
}

// open begins a connection and returns its id.
func (h *history) open(data []byte) uint32 {
	w := h.tell()
	defer w.done()
	h.nextConn++
	w.about(feed.Record{Kind: feed.Open, Conn: h.nextConn, Data: data})
	return h.nextConn
}

// head records the head of a handshake.
func (h *history) head(id uint32, side protocol.Side, b []byte) {
	w := h.tell()
	defer w.done()
	w.about(feed.Record{Kind: feed.Head, Conn: id, Side: side, Data: b})
}

// close ends a connection; by is who ended it first.
func (h *history) close(id uint32, by protocol.Side) {
	w := h.tell()
	defer w.done()
	w.about(feed.Record{Kind: feed.Closed, Conn: id, Side: by})
}

// about adds what late watchers must know of a connection: to the records or, while
// there are none, straight to the past.
func (w *writer) about(r feed.Record) {
	h := w.h
	r.Time = w.time
	if !h.recording.Load() {
		h.past.tell(r)
		return
	}
	b := h.append(&r)
	if r.Kind == feed.Closed {
		b.closed = append(b.closed, r.Conn)
	} else {
		b.told = append(b.told, int32(len(b.data)-feed.HeaderSize-len(r.Data)))
	}
}

// wake lets the watchers know that there is something new; h.mu is held.
func (h *history) wake() {
	h.waiting = 0
	for w := range h.watchers {
		if w.waiting {
			w.waiting = false
			select {
			case w.wake <- struct{}{}:
			default: // an earlier call was given up and has left one
			}
		}
	}
}
