// The scanner: cuts one direction's bytes into frames, by their headers alone.

package tap

import (
	"math"
	"sync"

	"framescope/protocol"
	"framescope/protocol/feed"
)

// smallFrame is up to which size a frame that comes in pieces is gathered in a
// buffer that the connection keeps, in bytes.
const smallFrame = 4 << 10

// gatherPool holds the buffers for larger ones. One is taken only when more than
// smallFrame bytes have come.
var gatherPool = sync.Pool{New: func() any { return new(make([]byte, 0, 64<<10+protocol.MaxHeaderSize)) }}

// scanner finds the frames in what one side sends. A frame that lies whole in
// the bytes of one call goes straight into the history; one that is spread over
// several is gathered, up to the snap length.
type scanner struct {
	conn *Conn
	side protocol.Side
	// mu guards the rest while nothing is recorded; while something is, the lock
	// of the history does, which is held anyway. Who needs to be sure holds both.
	mu     sync.Mutex
	over   bool    // the connection has ended, and its capture
	told   bool    // the frame that has not ended is recorded already, as Partial
	held   []byte  // of the frame that has not ended: a part of its header, or more
	pooled *[]byte // what held came from, if it came from the pool
	small  []byte  // what held was before
	size   uint64  // of that frame on the wire, once its header is whole; else 0
	want   uint64  // how many bytes of it are still to come
	keep   int     // how many bytes of it are captured
}

func (s *scanner) init(c *Conn, side protocol.Side) { s.conn, s.side = c, side }

// feed takes the next bytes, under one lock for all of them.
func (s *scanner) feed(b []byte) {
	w, ok := s.conn.tap.history.write()
	if !ok {
		s.mu.Lock()
		s.scan(b, nil)
		s.mu.Unlock()
		return
	}
	s.scan(b, &w)
	w.done()
}

// scan goes from frame to frame. Without a writer it only keeps count of where
// it is.
func (s *scanner) scan(b []byte, w *writer) {
	for len(b) > 0 && !s.over {
		switch {
		case s.size > 0:
			b = b[s.goOn(b, w):]
			continue
		case len(s.held) > 0:
			b = b[s.takeHeader(b, w):]
			continue
		}
		if n := s.takeWhole(b, w); n > 0 {
			b = b[n:]
			continue
		}
		n, length := protocol.ScanHeader(b)
		if n == 0 {
			s.held = append(s.held, b...)
			return
		}
		s.start(b[:n], length, w)
		b = b[n:]
	}
}

// takeWhole records the frames that lie whole in b, several as one.
func (s *scanner) takeWhole(b []byte, w *writer) int {
	limit := s.limit(w)
	whole := feed.Measure(b, limit)
	switch {
	case whole.Frames <= 1:
		if whole.Frames == 1 {
			s.record(w, b[:whole.Kept], uint64(whole.Bytes), 0)
		}
	case w == nil:
		s.conn.tap.history.unseen.Add(uint64(whole.Frames))
	default:
		w.run(&feed.Record{Kind: feed.Run, Conn: s.conn.id, Side: s.side, Data: b[:whole.Bytes]}, whole, limit)
	}
	return whole.Bytes
}

// takeHeader adds bytes to a header that came in parts.
func (s *scanner) takeHeader(b []byte, w *writer) int {
	had := len(s.held)
	s.held = append(s.held, b[:min(len(b), protocol.MaxHeaderSize-had)]...)
	n, length := protocol.ScanHeader(s.held)
	if n == 0 {
		return len(s.held) - had
	}
	s.start(s.held[:n], length, w)
	return n - had
}

// start begins a frame of which only the header has been taken.
func (s *scanner) start(header []byte, payloadLength uint64, w *writer) {
	s.held = append(s.held[:0], header...)
	s.size = wireSize(len(header), payloadLength)
	s.want = s.size - uint64(len(header))
	s.keep = len(header) + int(min(payloadLength, uint64(s.limit(w))))
	if s.told {
		s.keep = len(header)
	}
	if s.want == 0 {
		// An empty frame whose header came in parts ends where it begins.
		s.end(w)
	}
}

// goOn takes payload bytes of the frame that has begun.
func (s *scanner) goOn(b []byte, w *writer) int {
	n := len(b)
	if uint64(n) > s.want {
		n = int(s.want)
	}
	if w == nil {
		s.keep = len(s.held) // what is missed now cannot be followed by more
	}
	s.gather(b[:n])
	if s.want -= uint64(n); s.want == 0 {
		s.end(w)
	}
	return n
}

func (s *scanner) end(w *writer) {
	if !s.told {
		s.record(w, s.held, s.size, 0)
	}
	s.reset()
}

// gather adds captured bytes of a frame that comes in pieces. When memory is used up it
// takes no more of a long one.
func (s *scanner) gather(b []byte) {
	b, budget := b[:min(len(b), s.keep-len(s.held))], s.conn.tap.memory
	if len(s.held)+len(b) > smallFrame && budget.Full() {
		s.keep = len(s.held)
		return
	}
	if len(s.held)+len(b) > smallFrame && s.pooled == nil {
		s.pooled = gatherPool.Get().(*[]byte)
		s.small, s.held = s.held, append((*s.pooled)[:0], s.held...)
		budget.AddShared(int64(cap(s.held)))
	}
	had := cap(s.held)
	if s.held = append(s.held, b...); s.pooled != nil && cap(s.held) > had {
		budget.AddShared(int64(cap(s.held) - had))
	}
}

// record adds a frame of which b has been captured, of size bytes on the wire.
func (s *scanner) record(w *writer, b []byte, size uint64, flags feed.Flags) {
	if w == nil {
		s.conn.tap.history.unseen.Add(1)
		return
	}
	if uint64(len(b)) < size {
		flags |= feed.Cut
	}
	w.frame(&feed.Record{Kind: feed.Frame, Conn: s.conn.id, Side: s.side, Flags: flags, WireSize: size, Data: b})
}

func (s *scanner) reset() {
	s.size, s.want, s.told = 0, 0, false
	s.release()
}

// release forgets the bytes that are held.
func (s *scanner) release() {
	if s.held = s.held[:0]; s.pooled != nil {
		s.conn.tap.memory.SubShared(int64(cap(s.held)))
		gatherPool.Put(s.pooled)
		s.held, s.small, s.pooled = s.small[:0], nil, nil
	}
}

// finish records a frame that will not end any more. What a reader still hands in, who
// has lost the race with Close, is not.
func (s *scanner) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.conn.tap.history.note()
	defer w.done()
	s.over = true
	s.recordPart(&w)
	s.reset()
}

// abandon records what has come of a frame that has not ended. The rest of it is not
// recorded.
func (s *scanner) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.conn.tap.history.note()
	defer w.done()
	if len(s.held) == 0 {
		return
	}
	s.recordPart(&w)
	s.told = true
	if s.size > 0 { // else held is a part of its header, which tells where it ends
		s.release()
		s.keep = 0
	}
}

func (s *scanner) recordPart(w *writer) {
	if s.told || len(s.held) == 0 || !w.h.recording.Load() {
		return
	}
	size := s.size
	if size == 0 {
		size = math.MaxUint64 // its header does not tell
	}
	s.record(w, s.held, size, feed.Partial)
}

// limit is how many bytes of a payload are captured at present.
func (s *scanner) limit(w *writer) uint32 {
	if w == nil {
		return s.conn.tap.history.snap
	}
	return w.h.flood.snap
}

func wireSize(header int, payloadLength uint64) uint64 {
	if payloadLength > math.MaxUint64-uint64(header) {
		return math.MaxUint64
	}
	return uint64(header) + payloadLength
}
