// What a room holds for members that have not been sent it yet: messages and lists.

package chat

import "slices"

// backlog is the latest messages of a room, numbered from 0, as long as a member that is
// behind has to be sent them. They are held once, whoever and however many are behind.
type backlog struct {
	rooms    *rooms
	messages []entry
	first    uint64 // number of messages[0]
	start    uint64 // bytes of all messages before it
}

type entry struct {
	message
	end uint64 // bytes of all messages up to this one
}

// next is the number of the message to come.
func (b *backlog) next() uint64 { return b.first + uint64(len(b.messages)) }

func (b *backlog) add(m message) {
	b.rooms.hold(m.size)
	b.messages = append(b.messages, entry{m, b.end() + uint64(m.size)})
}

func (b *backlog) end() uint64 {
	if len(b.messages) == 0 {
		return b.start
	}
	return b.messages[len(b.messages)-1].end
}

// at is the message with a number, which is not before the first.
func (b *backlog) at(number uint64) message { return b.messages[number-b.first].message }

// behind is how many bytes a member has to be sent whose next message has a number.
func (b *backlog) behind(number uint64) int {
	if number == b.first {
		return int(b.end() - b.start)
	}
	return int(b.end() - b.messages[number-b.first-1].end)
}

// within is the first message from which on no more than some bytes are held.
func (b *backlog) within(bytes int) uint64 {
	if b.behind(b.first) <= bytes {
		return b.first
	}
	from := b.end() - uint64(bytes)
	i, _ := slices.BinarySearchFunc(b.messages, from, func(e entry, from uint64) int {
		if e.end < from {
			return -1
		}
		return 1
	})
	return b.first + uint64(i) + 1
}

// drop drops the messages before a number.
func (b *backlog) drop(number uint64) {
	n := int(number - b.first)
	if n == 0 {
		return
	}
	start := b.messages[n-1].end
	b.rooms.hold(-int(start - b.start))
	b.start = start
	clear(b.messages[:n])
	if b.messages, b.first = b.messages[n:], number; len(b.messages) == 0 {
		b.messages = nil
	}
}

// list is the members of a room at a moment, in pieces that newcomers share.
type list struct {
	pieces []message
	size   int // bytes
	users  int // newcomers that have to be sent some of it
}

// lists are those that are in use, the oldest first.
type lists struct {
	rooms *rooms
	all   []*list
	size  int // bytes
}

// add makes a list of all members for some newcomers.
func (l *lists) add(members []*member, users int) *list {
	made := &list{users: users}
	for len(members) > 0 {
		n := piece(members)
		m := membersEvent(namesOf(members[:n]), n < len(members))
		made.pieces, members = append(made.pieces, m), members[n:]
		made.size += m.size
	}
	l.all = append(l.all, made)
	l.size += made.size
	l.rooms.hold(made.size)
	return made
}

// release says that one newcomer needs a list no longer.
func (l *lists) release(used *list) {
	if used.users--; used.users > 0 {
		return
	}
	l.size -= used.size
	l.rooms.hold(-used.size)
	at := slices.Index(l.all, used)
	l.all = slices.Delete(l.all, at, at+1)
}
