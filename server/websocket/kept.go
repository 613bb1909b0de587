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

// keeps tells the budget of what the reader keeps: an unfinished message, what it takes to
// inflate it, and what it or messages before leave for those to come.
func (c *Conn) keeps() {
	if c.options.Memory == nil {
		return
	}
	m, bytes := &c.message, c.decoder.ContextSize()
	if m.inflating {
		bytes += inflaterSize
	}
	bytes += cap(m.room.bytes)
	kib := uint32((bytes + 1023) >> 10)
	had := m.kept
	m.kept = kib
	switch {
	case kib > had:
		c.options.Memory.Add(&c.account, c, int64(kib-had)<<10)
	case kib < had:
		c.options.Memory.Sub(&c.account, int64(had-kib)<<10)
	}
}

// awaitMemory waits until the message may take more, or gives up.
func (c *Conn) awaitMemory() error {
	if err := c.options.Memory.Wait(&c.account); err != nil {
		c.evicted.CompareAndSwap(0, reasonOf(err))
		return c.giveUp()
	}
	return nil
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
	abandoned := func() { c.end(&CloseError{Code: protocol.CloseAbnormal, cause: err}) }
	if c.waitsBy.get() != 0 {
		go abandoned() // the peer does not read: no close frame would arrive
		return
	}
	c.nc.SetReadDeadline(began)
	time.AfterFunc(evictTime, abandoned)
}

// evictTime is how long a connection may take that was told to end.
const evictTime = 2 * time.Second

// giveUp ends the connection for the budget's sake. What was kept is let go before the peer
// is told, which may take a while. c.reading is held.
func (c *Conn) giveUp() error {
	code, reason, err := protocol.CloseTryAgainLater, "the server is short of memory", memory.ErrFull
	if c.evicted.Load() == evictedTooLarge {
		code, reason, err = protocol.CloseMessageTooBig, "this message takes more memory than the server has for one", memory.ErrTooLarge
	}
	m := &c.message
	m.room.give()
	if m.inflating {
		m.inflating = false
		inflaters.Put(c.decoder.Lend(nil))
	}
	c.keeps()
	return c.fail(code, reason, err)
}
