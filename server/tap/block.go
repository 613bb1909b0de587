// Blocks: the buffers of records that the history consists of.

package tap

import "framescope/protocol/feed"

const (
	// blockSize is the usual size of a block in bytes, and the largest part of one that a
	// watcher gets at once.
	blockSize = 256 << 10
	// stageSize is how many bytes of records are collected before they are copied to a
	// block. Writing to memory that is in no cache takes a third of the time if it is done
	// in one piece instead of many.
	stageSize = 32 << 10
	// longRecord is the size in bytes from which on a record is copied to a block directly.
	longRecord = 8 << 10
	// maxEvicted is how many evicted blocks may wait for absorb before recording waits, too.
	maxEvicted = 4
)

// block is a buffer of records. Bytes are only appended to data, within its capacity, so
// what a watcher has been given does not change while it is in the block.
type block struct {
	data    []byte
	number  uint64 // of the block
	before  uint64 // frames captured before the first one here
	after   uint64 // frames captured up to the last one here
	next    *block // nil for the last block and for evicted ones
	evicted bool
	unread  bool     // it is evicted, and openConns has yet to read it
	readers int      // watchers that are in it, and may use parts of it
	opened  []int32  // where its Open and Head records are
	closed  []uint32 // connections whose Closed record is here
}

// append adds a record at the end and returns the block that it is in; h.mu is held.
func (h *history) append(r *feed.Record) *block {
	b := h.tail(feed.HeaderSize + 8 + len(r.Data))
	b.data = r.Append(b.data)
	return b
}

// tail returns the block to which the next record, of at most size bytes, is added.
func (h *history) tail(size int) *block {
	if size > longRecord {
		h.unload()
		h.ensureBlock(size, h.frames)
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

// unload moves the collected records to a block.
func (h *history) unload() {
	s := &h.stage
	if len(s.data) == 0 {
		return
	}
	h.ensureBlock(len(s.data), s.before)
	for _, at := range s.opened {
		h.last.opened = append(h.last.opened, int32(len(h.last.data))+at)
	}
	h.last.data = append(h.last.data, s.data...)
	h.last.after = s.after
	h.last.closed = append(h.last.closed, s.closed...)
	s.data, s.opened, s.closed = s.data[:0], s.opened[:0], s.closed[:0]
}

// ensureBlock begins a new block if the last one cannot hold size bytes more; frames is how
// many frames come before it.
func (h *history) ensureBlock(size int, frames uint64) {
	if h.last == nil || cap(h.last.data)-len(h.last.data) < size {
		h.push(&block{data: h.blockBuffer(size), before: frames, after: frames})
	}
}

// blockBuffer returns an empty buffer for a block that must hold size bytes.
func (h *history) blockBuffer(size int) []byte {
	if b := h.reusable; size <= cap(b) {
		h.reusable = nil
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
	b.number = h.blocks
	h.blocks++
	h.bytes += int64(cap(b.data))
	for h.bytes+min(h.connBytes, h.limit/2) > h.limit && h.first != h.last {
		h.evict()
	}
}

// evict removes the first block. A watcher that is still in it keeps that block in memory,
// but not those after it.
func (h *history) evict() {
	b := h.first
	h.first = b.next
	h.bytes -= int64(cap(b.data))
	b.next, b.evicted = nil, true
	if h.first == nil {
		h.last = nil
	}
	if len(b.opened)+len(b.closed) > 0 {
		b.unread = true
		h.evicted = append(h.evicted, b)
	}
	h.recycle(b)
}

// recycle lets the next block use the memory of b, if b is evicted and not read any more, and
// there will be a next one.
func (h *history) recycle(b *block) {
	inUse := !b.evicted || b.unread || b.readers > 0
	if !inUse && cap(b.data) == blockSize && h.recording.Load() {
		h.reusable, b.data = b.data[:0], nil
	}
}

// absorb has openConns read the evicted blocks; waiting is how many there are. If another
// goroutine is doing that, absorb leaves it to that goroutine, unless too many blocks wait.
func (h *history) absorb(waiting int) {
	if !h.openConns.mu.TryLock() {
		if waiting <= maxEvicted {
			return
		}
		h.openConns.mu.Lock()
	}
	h.absorbAll()
	// In this order, so that a goroutine that evicts a block from now on finds openConns unlocked.
	h.openConns.mu.Unlock()
	h.mu.Unlock()
}

// absorbAll has openConns read all evicted blocks: then openConns knows the connections that
// were open where the history begins, for as long as both locks are held. The caller holds
// the lock of openConns; when absorbAll returns it holds that of the history, too.
func (h *history) absorbAll() {
	var b *block
	for {
		h.mu.Lock()
		h.connBytes = h.openConns.bytes
		if b != nil {
			b.unread = false
			h.recycle(b)
		}
		if len(h.evicted) == 0 {
			h.evicted = nil
			return
		}
		b = h.evicted[0]
		h.evicted[0] = nil
		h.evicted = h.evicted[1:]
		h.mu.Unlock()
		h.openConns.absorb(b)
	}
}
