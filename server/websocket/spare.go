// Large rooms while memory is scarce: used again, and counted.

package websocket

import (
	"sync"
	"sync/atomic"
	"time"

	"framescope/server/memory"
)

// spareRooms holds large rooms for reuse while memory is scarce, and counts them in the
// budget; a sync.Pool would hold them uncounted. Left to the collector they would be garbage
// faster than it collects, of messages that grow to many MiB.
var spareRooms spareList

const (
	// spareShare is the part of the budget, one in so many, that is kept at most.
	spareShare = 4
	// spareTime is how long it is kept when nothing is given back any more.
	spareTime = time.Second
)

type spareList struct {
	bytes atomic.Int64

	mu    sync.Mutex
	rooms [largestRoom + 1][]spareRoom
	clear *time.Timer
}

type spareRoom struct {
	from   *[]byte
	budget *memory.Budget // that it counts in
}

func (s *spareList) put(from *[]byte, b *memory.Budget) {
	size := int64(cap(*from))
	if s.bytes.Load()+size > b.Limit()/spareShare {
		return
	}
	b.AddShared(size)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes.Add(size)
	class := roomClass(cap(*from))
	s.rooms[class] = append(s.rooms[class], spareRoom{from, b})
	if s.clear == nil {
		s.clear = time.AfterFunc(spareTime, s.drop)
	} else {
		s.clear.Reset(spareTime)
	}
}

// take takes a room of a class, or nil.
func (s *spareList) take(class int) *[]byte {
	if s.bytes.Load() == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.rooms[class]) - 1
	if last < 0 {
		return nil
	}
	r := s.rooms[class][last]
	s.rooms[class][last] = spareRoom{}
	s.rooms[class] = s.rooms[class][:last]
	s.uncount(r)
	return r.from
}

// drop forgets all of them.
func (s *spareList) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for class, rooms := range s.rooms {
		for _, r := range rooms {
			s.uncount(r)
		}
		s.rooms[class] = nil
	}
}

func (s *spareList) uncount(r spareRoom) {
	size := int64(cap(*r.from))
	s.bytes.Add(-size)
	r.budget.SubShared(size)
}
