// Large message buffers while memory is scarce: used again, and counted.

package websocket

import (
	"sync"
	"sync/atomic"
	"time"

	"framescope/server/memory"
)

// spareBuffers holds large message buffers for reuse while memory is scarce, and counts them in
// the budget; a sync.Pool would hold them uncounted. If they were left to the garbage collector,
// messages that grow to many MiB would make garbage faster than it collects.
var spareBuffers spareList

const (
	// spareShare bounds the spare buffers: they hold at most the budget divided by it.
	spareShare = 4
	// spareTime is how long spare buffers are kept after the last one was put back.
	spareTime = time.Second
)

type spareList struct {
	bytes atomic.Int64

	mu      sync.Mutex // guards the fields below
	classes [largestClass + 1][]spareBuffer
	clear   *time.Timer
}

type spareBuffer struct {
	pooled *[]byte
	budget *memory.Budget // that counts it
}

func (s *spareList) put(pooled *[]byte, b *memory.Budget) {
	size := int64(cap(*pooled))
	if s.bytes.Load()+size > b.Limit()/spareShare {
		return
	}
	b.AddShared(size)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes.Add(size)
	class := sizeClass(cap(*pooled))
	s.classes[class] = append(s.classes[class], spareBuffer{pooled, b})
	if s.clear == nil {
		s.clear = time.AfterFunc(spareTime, s.dropAll)
	} else {
		s.clear.Reset(spareTime)
	}
}

// get gets a buffer of a class, or nil.
func (s *spareList) get(class int) *[]byte {
	if s.bytes.Load() == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.classes[class]) - 1
	if last < 0 {
		return nil
	}
	b := s.classes[class][last]
	s.classes[class][last] = spareBuffer{}
	s.classes[class] = s.classes[class][:last]
	s.uncount(b)
	return b.pooled
}

// dropAll leaves all spare buffers to the garbage collector.
func (s *spareList) dropAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for class, buffers := range s.classes {
		for _, b := range buffers {
			s.uncount(b)
		}
		s.classes[class] = nil
	}
}

func (s *spareList) uncount(b spareBuffer) {
	size := int64(cap(*b.pooled))
	s.bytes.Add(-size)
	b.budget.SubShared(size)
}
