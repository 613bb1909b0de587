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

// liveHistory is how many bytes are kept for watchers when history is off.
const liveHistory = 4 << 20

// history holds the newest records. Its lock is held while a record is copied, and never
// while a goroutine waits for something else. Reading the connections of evicted blocks takes
// longer and is done under the lock of openConns alone. Where both locks are held, that of
// openConns is locked first.
type history struct {
	id        [16]byte
	limit     int64 // bytes of all that is kept
	keeps     bool  // it records without watchers, too
	snap      uint32
	start     time.Time
	epoch     int64 // start in ns since the Unix epoch
	recording atomic.Bool
	unseen    atomic.Uint64 // frames that were seen while nothing was recorded

	openConns openConns

	mu        sync.Mutex
	flood     flood
	first     *block
	last      *block
	stage     block       // records that follow those of last
	record    feed.Record // the record that is being added; too large for the stacks of connections
	evicted   []*block    // that openConns has yet to read
	reusable  []byte      // the memory of an evicted block
	bytes     int64       // of blocks
	connBytes int64       // of openConns, when it was last read
	blocks    uint64      // that there have been
	frames    uint64      // captured so far
	nextConn  uint32
	watchers  map[*Watcher]struct{}
	waiting   int       // watchers that wait to be woken
	feedFree  time.Time // when watchers may be sent more, see feedRate
}

func (h *history) init(o Options) {
	rand.Read(h.id[:])
	h.snap, h.start = uint32(min(max(o.Snap, 0), math.MaxUint32)), time.Now()
	h.epoch = h.start.UnixNano()
	h.flood.init(o.History, h.snap)
	if h.limit, h.keeps = o.History, o.History > 0; !h.keeps {
		h.limit = liveHistory
	}
	h.openConns.limit = h.limit / 2
	h.watchers = map[*Watcher]struct{}{}
	h.recording.Store(h.keeps)
}

// now returns a wall-clock time that never goes back.
func (h *history) now() int64 { return h.epoch + int64(time.Since(h.start)) }

// unlock unlocks h.mu, and has openConns read the blocks that were evicted meanwhile.
func (h *history) unlock() {
	evicted := len(h.evicted)
	h.mu.Unlock()
	if evicted > 0 {
		h.absorb(evicted)
	}
}

// writer adds the records of one call, under one lock and at one time.
type writer struct {
	h    *history
	time int64
	on   bool // recording is on and the lock is held
}

// note returns a writer of records that late watchers need, whether frames are recorded or not.
func (h *history) note() writer {
	h.mu.Lock()
	return writer{h, h.now(), true}
}

func (w *writer) done() {
	h := w.h
	if h.waiting > 0 {
		h.wake()
	}
	if len(h.evicted) > 0 {
		h.unlock()
		return
	}
	h.mu.Unlock() // this is unlock; a call for each record would cost too much
}

// limit returns how many bytes of a payload are captured at present.
func (w *writer) limit() uint32 {
	if !w.on {
		return w.h.snap
	}
	return w.h.flood.snap
}

// frames records the whole frames that b begins with, several as one record, and returns
// how many bytes they are.
func (w *writer) frames(conn uint32, side protocol.Side, b []byte) int {
	whole := feed.Measure(b, w.limit())
	h := w.h
	switch {
	case whole.Frames == 0:
		return 0
	case !w.on:
		h.unseen.Add(uint64(whole.Frames))
		return whole.Bytes
	}
	r := &h.record
	r.Kind, r.Conn, r.Side, r.Time, r.Flags = feed.Frame, conn, side, w.time, 0
	in := h.tail(whole.Size() + 8)
	if whole.Frames == 1 && whole.Kept == whole.Bytes {
		// This is what r.Append does, without another call.
		at := len(in.data)
		in.data = in.data[:at+feed.HeaderSize+whole.Bytes]
		r.PutHeader(in.data[at:])
		copy(in.data[at+feed.HeaderSize:], b)
	} else {
		r.Data = b
		w.append(in, whole)
	}
	h.frames += uint64(whole.Frames)
	in.after = h.frames
	h.flood.add(uint64(whole.Frames), uint64(whole.Bytes), w.time)
	return whole.Bytes
}

// append appends to a block the record of several frames, or of one that is cut.
func (w *writer) append(in *block, whole feed.Stretch) {
	r := &w.h.record
	if whole.Frames > 1 {
		r.Kind = feed.Run
		in.data = r.AppendRun(in.data, whole, w.limit())
	} else {
		r.Flags, r.WireSize, r.Data = feed.Cut, uint64(whole.Bytes), r.Data[:whole.Kept]
		in.data = r.Append(in.data)
	}
	r.Data = nil
}

// frame records one frame of size bytes on the wire, of which b has been captured.
func (w *writer) frame(conn uint32, side protocol.Side, b []byte, size uint64, flags feed.Flags) {
	h := w.h
	if !w.on {
		h.unseen.Add(1)
		return
	}
	if uint64(len(b)) < size {
		flags |= feed.Cut
	}
	in := h.append(&feed.Record{Kind: feed.Frame, Conn: conn, Side: side, Flags: flags, Time: w.time, WireSize: size, Data: b})
	h.frames++
	in.after = h.frames
	h.flood.add(1, size, w.time)
}

// open begins a connection and returns its id.
func (h *history) open(data []byte) uint32 {
	w := h.note()
	defer w.done()
	h.nextConn++
	w.addConn(feed.Record{Kind: feed.Open, Conn: h.nextConn, Data: data})
	return h.nextConn
}

// head records the head of a handshake.
func (h *history) head(id uint32, side protocol.Side, b []byte) {
	w := h.note()
	defer w.done()
	w.addConn(feed.Record{Kind: feed.Head, Conn: id, Side: side, Data: b})
}

// close ends a connection; by is the side that ended it first.
func (h *history) close(id uint32, by protocol.Side) {
	w := h.note()
	defer w.done()
	w.addConn(feed.Record{Kind: feed.Closed, Conn: id, Side: by})
}

// addConn adds a record that late watchers need, of a connection that opens or closes or of
// its handshake. While nothing is recorded it goes to openConns directly, as if its block had
// been evicted.
func (w *writer) addConn(r feed.Record) {
	h := w.h
	r.Time = w.time
	var b *block
	if h.recording.Load() {
		b = h.append(&r)
	} else {
		b = &block{data: r.Append(nil)}
		h.evicted = append(h.evicted, b)
	}
	if r.Kind == feed.Closed {
		b.closed = append(b.closed, r.Conn)
	} else {
		b.opened = append(b.opened, int32(len(b.data)-feed.HeaderSize-len(r.Data)))
	}
}

// wake wakes the watchers that wait for new records; h.mu is held.
func (h *history) wake() {
	h.waiting = 0
	for w := range h.watchers {
		if w.waiting {
			w.waiting = false
			select {
			case w.wake <- struct{}{}:
			default: // one is left of an earlier call of Next, which was cancelled
			}
		}
	}
}
