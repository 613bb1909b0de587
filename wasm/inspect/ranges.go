// Ranges of connections of which a feed lists the open ones: all others in them have closed.

package inspect

import (
	"cmp"
	"encoding/binary"
	"slices"

	"framescope/protocol/feed"
)

// openRange is a range of ids, in the order of which such ranges are listed.
type openRange struct {
	first, last uint32
	time        int64
}

// list notes which connections of a range are open. The others in it are closed by
// endList, for all ranges together: a feed that begins lists very many.
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

// isBehindList reports whether a record is not about connections behind the ranges that
// were listed so far, of which there are some.
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

// endList closes the connections in the ranges that were listed which are not open. It goes
// through all that are open, once.
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
