// Ranges of connections whose open ones a feed lists: all others in them have closed.

package inspect

import (
	"cmp"
	"encoding/binary"
	"slices"

	"framescope/protocol/feed"
)

// openRange is a range of ids. Ranges are listed in the order of their ids.
type openRange struct {
	first, last uint32
	time        int64
}

// list notes which connections of a range are open. endList closes the others, for all
// ranges together: a feed that begins lists very many.
func (l *connList) list(r *feed.Record) {
	if len(r.Data) < 8 {
		return
	}
	first, last := binary.LittleEndian.Uint32(r.Data), binary.LittleEndian.Uint32(r.Data[4:])
	for ids := r.Data[8:]; len(ids) >= 4; ids = ids[4:] {
		if c := l.byWire[binary.LittleEndian.Uint32(ids)]; c != nil {
			c.listed = l.lists + 1
		}
	}
	l.ranges = append(l.ranges, openRange{first, last, r.Time})
}

// isBehindList reports whether the list of ranges ended before this record: whether the
// record neither adds to it nor is about connections after the last range. At least one
// range has been listed.
func (l *connList) isBehindList(r *feed.Record) bool {
	next := r.Conn
	switch {
	case r.Kind == feed.Known && len(r.Data) >= 8:
		next = binary.LittleEndian.Uint32(r.Data)
	case r.Flags&feed.Replayed == 0:
		return true
	}
	return next <= l.ranges[len(l.ranges)-1].last
}

// endList closes the connections in the listed ranges that were not listed as open. It goes
// once through all that were open before.
func (l *connList) endList() {
	if len(l.ranges) == 0 {
		return
	}
	l.lists++
	for c := l.open.first; c != nil; {
		next := l.open.next(c)
		at, _ := slices.BinarySearchFunc(l.ranges, c.wire, func(r openRange, id uint32) int { return cmp.Compare(r.last, id) })
		if c.listed != l.lists && at < len(l.ranges) && l.ranges[at].first <= c.wire {
			l.close(c, l.ranges[at].time)
		}
		c = next
	}
	l.ranges = l.ranges[:0]
}
