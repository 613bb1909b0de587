// What a connection keeps of the server's memory, and how it gives that up.

package websocket

import (
	"errors"
	"time"
	"unsafe"

	"framescope/protocol"
	"framescope/server/memory"
)

// What Conn.evicted says.
const (
	evictedFull     = 1 + iota // memory.ErrFull
	evictedTooLarge            // memory.ErrTooLarge
)

// inflaterSize is what a message takes while it is inflated, in bytes.
const inflaterSize = int(unsafe.Sizeof(protocol.Inflater{}))

// blockedSize is what a write that waits for its peer keeps, in bytes: the output and, since
// the application does not read meanwhile, the input.
const blockedSize = 2 * bufferSize

// countMemory tells the budget what the reader keeps: room of so many bytes for an unfinished
// message, what it takes to inflate it, and what messages leave for those to come.
func (c *Conn) countMemory(room int) {
	b, more := c.options.Memory, c.memoryDelta(room)
	switch {
	case more > 0:
		b.Add(&c.account, c, more)
	case more < 0:
		b.Sub(&c.account, -more)
	}
}

// smallMemory is how many bytes a connection may keep without waiting for memory; if it is
// used up, others are evicted for them.
const smallMemory = 4 << 10

// reserveMemory is countMemory before the room is taken. It waits until there is memory for
// the room, or closes the connection.
func (c *Conn) reserveMemory(room int) error {
	if room <= smallMemory {
		c.countMemory(room)
		return nil
	}
	b, had := c.options.Memory, c.message.kept
	more := c.memoryDelta(room)
	if more <= 0 {
		b.Sub(&c.account, -more)
		return nil
	}
	if c.in.buf != nil {
		b.Add(&c.account, c, bufferSize) // which is kept meanwhile
		defer b.Sub(&c.account, bufferSize)
	}
	if err := b.Grow(&c.account, c, more); err != nil {
		c.message.kept = had
		c.evicted.CompareAndSwap(0, reasonOf(err))
		return c.closeEvicted()
	}
	return nil
}

// memoryDelta notes what is kept and returns by how many bytes that is more than before, in
// whole KiB.
func (c *Conn) memoryDelta(room int) int64 {
	if c.options.Memory == nil {
		return 0
	}
	m, bytes := &c.message, room+c.decoder.ContextSize()
	if m.inflating {
		bytes += inflaterSize
	}
	had := m.kept
	m.kept = uint32((bytes + 1023) >> 10)
	resting := 0
	if room == 0 && !m.inflating {
		resting = int(m.kept) << 10 // a context, for messages to come
	}
	c.account.SetResting(int64(resting))
	return (int64(m.kept) - int64(had)) << 10
}

func reasonOf(err error) uint32 {
	if errors.Is(err, memory.ErrTooLarge) {
		return evictedTooLarge
	}
	return evictedFull
}

// Evict implements [memory.Holder]: the reader gives up, or the connection ends without it.
func (c *Conn) Evict(tooLarge bool) {
	why, err := uint32(evictedFull), memory.ErrFull
	if tooLarge {
		why, err = evictedTooLarge, memory.ErrTooLarge
	}
	c.evicted.CompareAndSwap(0, why)
	abandoned := func() { c.drop(&CloseError{Code: protocol.CloseAbnormal, cause: err}) }
	if c.waitsBy.get() != 0 {
		go abandoned() // the peer does not read: no close frame would arrive
		return
	}
	c.nc.SetReadDeadline(began)
	time.AfterFunc(evictTime, abandoned)
}

// evictTime is how long a connection may take that was told to end.
const evictTime = 3 * time.Second

// closeEvicted ends the connection for the budget's sake. c.reading is held.
func (c *Conn) closeEvicted() error {
	code, reason, err := protocol.CloseTryAgainLater, "the server is short of memory", memory.ErrFull
	if c.evicted.Load() == evictedTooLarge {
		code, reason, err = protocol.CloseMessageTooBig, "this message takes more memory than the server has for one", memory.ErrTooLarge
	}
	return c.fail(code, reason, err)
}

// releaseMessage lets go of what has come of a message that will not be finished. c.reading
// is held.
func (c *Conn) releaseMessage() {
	c.in.discard()
	c.in.release()
	if m := &c.message; m.inflating {
		m.inflating = false
		inflaters.Put(c.decoder.SwapInflater(nil))
	}
	c.releaseRoom()
}

// releaseRoom gives back the room of a message.
func (c *Conn) releaseRoom() {
	c.message.room.give(c.options.Memory)
	if c.message.kept != 0 {
		c.countMemory(0)
	}
}
