// The scanner: finds the frames in one direction's bytes, by their headers alone.

package tap

import (
	"math"
	"sync"

	"framescope/protocol"
	"framescope/protocol/feed"
)

// scanner finds the frames in what one side sends. Frames that are complete in the bytes of
// one call are recorded directly; one that is spread over several calls is collected first,
// up to the snap length.
type scanner struct {
	// mu guards the fields below while nothing is recorded; otherwise the lock of the history,
	// which is held anyway, guards them. A caller that cannot know which it is holds both.
	mu      sync.Mutex
	side    protocol.Side // that sends
	over    bool          // the capture of the connection has ended
	partial *partialFrame // the incomplete frame, or nil
}

// scan records the frames in b, the next bytes, under one lock for all of them. While
// nothing is recorded it only keeps count of them.
//
// Few calls are nested here and in what is called for whole frames, because they run on the
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

// add collects bytes of a frame that is not complete in b, and returns how many.
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
		p.limit = len(p.kept) // these bytes are not kept, so no later ones can be
	}
	p.keep(b[:n], c.tap.memory)
	if p.missing -= uint64(n); p.missing == 0 {
		s.end(c, w)
	}
	return n
}

// addHeader collects bytes of the frame's header, and prepares for its payload once the
// header is complete.
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
	if p.missing == 0 { // an empty frame whose header arrived in parts
		s.end(c, w)
	}
	return n - had
}

// end records a frame whose last byte has arrived.
func (s *scanner) end(c *Conn, w *writer) {
	if p := s.partial; !p.recorded {
		w.frame(c.id, s.side, p.kept, p.size, 0)
	}
	s.drop(c)
}

// drop drops the incomplete frame.
func (s *scanner) drop(c *Conn) {
	if s.partial != nil {
		putPartial(s.partial, c.tap.memory)
		s.partial = nil
	}
}

// finish records the incomplete frame, which will never be completed. What a concurrent
// reader passes to scan after that is not recorded.
func (s *scanner) finish(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := c.tap.history.note()
	defer w.done()
	s.over = true
	s.recordPart(c, &w)
	s.drop(c)
}

// abandon records the received part of the incomplete frame. The remainder is not recorded.
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
	if p.size > 0 { // otherwise part of the header is kept, which is needed to find the frame's end
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
		size = math.MaxUint64 // its header is incomplete
	}
	w.frame(c.id, s.side, p.kept, size, feed.Partial)
}

func wireSize(header int, payloadLength uint64) uint64 {
	if payloadLength > math.MaxUint64-uint64(header) {
		return math.MaxUint64
	}
	return uint64(header) + payloadLength
}
