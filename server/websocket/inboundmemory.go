// The memory of the inbound half, which is counted in the server's budget.

package websocket

import (
	"errors"
	"unsafe"

	"framescope/protocol"
	"framescope/server/memory"
)

// inflaterSize is the memory that inflating a message needs, in bytes.
const inflaterSize = int(unsafe.Sizeof(protocol.Inflater{}))

// countMemory counts in the budget what the reader keeps: a buffer of so many bytes for an unfinished
// message, what it takes to inflate it, and the context for later messages.
func (in *inbound) countMemory(buffer int) {
	switch more := in.memoryDelta(buffer); {
	case more > 0:
		in.link.keep(more)
	case more < 0:
		in.link.letGo(-more)
	}
}

// reserveMemory is countMemory before the buffer is got. It waits until there is memory for
// it, or closes the connection.
func (in *inbound) reserveMemory(buffer int) error {
	if buffer <= smallMemory {
		in.countMemory(buffer)
		return nil
	}
	had := in.message.kept
	more := in.memoryDelta(buffer)
	if more <= 0 {
		in.link.letGo(-more)
		return nil
	}
	if in.buf != nil {
		in.link.keep(bufferSize) // which is kept meanwhile
		defer in.link.letGo(bufferSize)
	}
	if err := in.link.options.Memory.Grow(&in.link.account, in.link.owner, more); err != nil {
		in.message.kept = had
		in.link.evicted.CompareAndSwap(0, evictReason(err))
		return in.closeEvicted()
	}
	return nil
}

// memoryDelta notes what is kept and returns by how many bytes that is more than before, in
// whole KiB.
func (in *inbound) memoryDelta(buffer int) int64 {
	if in.link.options.Memory == nil {
		return 0
	}
	m, bytes := &in.message, buffer+in.decoder.ContextSize()
	if m.inflating {
		bytes += inflaterSize
	}
	had := m.kept
	m.kept = uint32((bytes + 1023) >> 10)
	resting := 0
	if buffer == 0 && !m.inflating {
		resting = int(m.kept) << 10 // a context, for later messages
	}
	in.link.account.SetResting(int64(resting))
	return (int64(m.kept) - int64(had)) << 10
}

// evictReason is the value of link.evicted for an error of the budget's.
func evictReason(err error) uint32 {
	if errors.Is(err, memory.ErrTooLarge) {
		return evictedTooLarge
	}
	return evictedFull
}

// closeEvicted ends the connection because the budget needs its memory.
func (in *inbound) closeEvicted() error {
	code, reason, err := protocol.CloseTryAgainLater, "the server is short of memory", memory.ErrFull
	if in.link.evicted.Load() == evictedTooLarge {
		code, reason, err = protocol.CloseMessageTooBig, "this message takes more memory than the server has for one", memory.ErrTooLarge
	}
	return in.fail(code, reason, err)
}
