// The messages that a room keeps until all its members have been sent them.

package chat

import "slices"

// backlog holds the latest messages of a room, numbered from 0: those that some member has
// not been sent. Each is kept once, however many members are behind.
type backlog struct {
	rooms    *rooms
	messages []entry
	first    uint64 // number of messages[0]

	startOffset uint64 // bytes of all messages before messages[0]
}

type entry struct {
	*message
	endOffset uint64 // bytes of all messages up to this one
}

// nextNumber returns the number that the next message will get.
func (b *backlog) nextNumber() uint64 { return b.first + uint64(len(b.messages)) }

func (b *backlog) add(m *message) {
	b.rooms.account(m.size)
	b.messages = append(b.messages, entry{m, b.endOffset() + uint64(m.size)})
}

func (b *backlog) endOffset() uint64 {
	if len(b.messages) == 0 {
		return b.startOffset
	}
	return b.messages[len(b.messages)-1].endOffset
}

// at returns the message with a number, which must not be less than b.first.
func (b *backlog) at(number uint64) *message { return b.messages[number-b.first].message }

// bytesFrom returns the number of bytes in the messages from a number on.
func (b *backlog) bytesFrom(number uint64) int {
	if number == b.first {
		return int(b.endOffset() - b.startOffset)
	}
	return int(b.endOffset() - b.messages[number-b.first-1].endOffset)
}

// firstWithin returns the number of the first message from which on the backlog has at most
// this many bytes.
func (b *backlog) firstWithin(bytes int) uint64 {
	if b.bytesFrom(b.first) <= bytes {
		return b.first
	}
	from := b.endOffset() - uint64(bytes)
	i, _ := slices.BinarySearchFunc(b.messages, from, func(e entry, from uint64) int {
		if e.endOffset < from {
			return -1
		}
		return 1
	})
	return b.first + uint64(i) + 1
}

// dropBefore drops the messages before a number.
func (b *backlog) dropBefore(number uint64) {
	n := int(number - b.first)
	if n == 0 {
		return
	}
	start := b.messages[n-1].endOffset
	b.rooms.account(-int(start - b.startOffset))
	b.startOffset = start
	clear(b.messages[:n])
	if b.messages, b.first = b.messages[n:], number; len(b.messages) == 0 {
		b.messages = nil
	}
}
