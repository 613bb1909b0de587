// The scanner: cuts one direction's bytes into frames, by their headers alone.

package tap

import (
	"math"
	"sync"

	"framescope/protocol"
	"framescope/protocol/feed"
)

// scanner finds the frames in what one side sends. Frames that lie whole in the bytes of
// one call go straight into the history; one that is spread over several is put together
// first, up to the snap length.
type scanner struct {
	// mu guards the fields below while nothing is recorded; while something is, the lock
	// of the history does, which is held anyway. A caller that does not know holds both.
	mu      sync.Mutex
	side    protocol.Side // that sends
	over    bool          // the connection has ended, and its capture
	partial *partialFrame // the frame of which a part has come, or nil
}

// scan records the frames in b, the next bytes, under one lock for all of them. While
// nothing is recorded it only keeps count of them.
//
// Calls are not nested deep here, nor in what is called for whole frames: it runs on the
// stacks of connections, 2 KiB each.
func (s *scanner) scan(c *Conn, b []byte) {
	h := &c.tap.history
	w := writer{h: h}
	if h.recording.Load() {
		h.mu.Lock()
		if w.on = h.recording.Load(); !w.on {
			h.mu.Unlock()
		}
	}
	if w.on {
		w.time = h.now()
		h.flood.endIfOver(w.time)
	} else {
		s.mu.Lock()
	}
	for len(b) > 0 && !s.over {
		n := 0
		if s.partial == nil {
			n = w.frames(c.id, s.side, b)
		}
		if n == 0 {
			n = s.add(c, b, &w)
		}
		b = b[n:]
	}
	if !w.on {
		s.mu.Unlock()
		return
	}
	w.done()
}

// add takes bytes of a frame that does not lie whole in b, and returns how many.
func (s *scanner) add(c *Conn, b []byte, w *writer) int {
	if s.partial == nil {
		s.partial = getPartial()
	}
	p := s.partial
	if p.size == 0 {
		return s.addHeader(c, b, w)
	}
	n := int(min(uint64(len(b)), p.missing))
	if !w.on {
		p.limit = len(p.kept) // what is missed now cannot be followed by more
	}
	p.keep(b[:n], c.tap.memory)
	if p.missing -= uint64(n); p.missing == 0 {
		s.end(c, w)
	}
	return n
}

// addHeader takes bytes of the frame's header, and begins with its payload once that is
// whole.
func (s *scanner) addHeader(c *Conn, b []byte, w *writer) int {
	p := s.partial
	had := len(p.kept)
	p.kept = append(p.kept, b[:min(len(b), protocol.MaxHeaderSize-had)]...)
	n, payloadLength := protocol.ScanHeader(p.kept)
	if n == 0 {
		return len(p.kept) - had
	}
	p.kept = p.kept[:n]
	p.size = wireSize(n, payloadLength)
	p.missing = p.size - uint64(n)
	p.limit = n
	if !p.recorded {
		p.limit += int(min(payloadLength, uint64(w.limit())))
	}
	if p.missing == 0 { // an empty frame whose header came in parts
		s.end(c, w)
	}
	return n - had
}

// end records a frame of which the last byte has come.
func (s *scanner) end(c *Conn, w *writer) {
	if p := s.partial; !p.recorded {
		w.frame(c.id, s.side, p.kept, p.size, 0)
	}
	s.drop(c)
}

// drop forgets the frame of which a part has come.
func (s *scanner) drop(c *Conn) {
	if s.partial != nil {
		putPartial(s.partial, c.tap.memory)
		s.partial = nil
	}
}

// finish records a frame that will not end any more. What a reader that has lost the
// race with Close still hands in is not recorded.
func (s *scanner) finish(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := c.tap.history.note()
	defer w.done()
	s.over = true
	s.recordPart(c, &w)
	s.drop(c)
}

// abandon records what has come of a frame that has not ended. What comes of it later is
// not recorded.
func (s *scanner) abandon(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := c.tap.history.note()
	defer w.done()
	p := s.partial
	if p == nil {
		return
	}
	s.recordPart(c, &w)
	p.recorded = true
	if p.size > 0 { // else what is kept is a part of its header, which tells where it ends
		p.release(c.tap.memory)
		p.limit = 0
	}
}

func (s *scanner) recordPart(c *Conn, w *writer) {
	p := s.partial
	if p == nil || p.recorded || !w.h.recording.Load() {
		return
	}
	size := p.size
	if size == 0 {
		size = math.MaxUint64 // its header does not tell
	}
	w.frame(c.id, s.side, p.kept, size, feed.Partial)
}

func wireSize(header int, payloadLength uint64) uint64 {
	if payloadLength > math.MaxUint64-uint64(header) {
		return math.MaxUint64
	}
	return uint64(header) + payloadLength
}
