// The past: what the records told that are not held any more.

package tap

import (
	"encoding/binary"
	"maps"
	"slices"

	"framescope/protocol/feed"
)

// keptHead is how much of a head is said again to a watcher that comes late.
const keptHead = 4 << 10

// past holds of every connection that was open where the history begins its Open
// and its Heads, as Replayed records.
type past map[uint32][]byte

// add takes in a block that is evicted. A connection that closed in the block in
// which it opened leaves nothing.
func (p past) add(b *block) {
	slices.Sort(b.closed)
	for _, at := range b.told {
		r, _, _ := feed.Parse(b.data[at:])
		if _, over := slices.BinarySearch(b.closed, r.Conn); !over {
			p.tell(r)
		}
	}
	for _, id := range b.closed {
		delete(p, id)
	}
}

// tell takes in a record.
func (p past) tell(r feed.Record) {
	if r.Kind == feed.Closed {
		delete(p, r.Conn)
		return
	}
	r.Flags |= feed.Replayed
	if len(r.Data) > keptHead {
		r.WireSize, r.Data = uint64(len(r.Data)), r.Data[:keptHead]
		r.Flags |= feed.Cut
	}
	p[r.Conn] = feed.Append(p[r.Conn], r)
}

// snapshot is what a reader must know who starts where the history begins.
func (p past) snapshot(dst []byte, now int64) []byte {
	ids := slices.Sorted(maps.Keys(p))
	data := make([]byte, 0, 4*len(ids))
	for _, id := range ids {
		dst = append(dst, p[id]...)
		data = binary.LittleEndian.AppendUint32(data, id)
	}
	return feed.Append(dst, feed.Record{Kind: feed.Known, Time: now, Data: data})
}
