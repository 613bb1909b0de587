// The past: what the records told that are not held any more.

package tap

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"framescope/protocol"
	"framescope/protocol/feed"
)

// keptHead is up to what size in bytes a head is said again whole to a watcher that
// comes late. Of a longer one, mostly cookies, it is told what makes the handshake.
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
		size := uint64(len(r.Data))
		r.Data = essence(r.Data)
		if r.Flags&feed.Cut == 0 {
			r.WireSize = size
		}
		r.Flags |= feed.Cut
	}
	p[r.Conn] = feed.Append(p[r.Conn], r)
}

// keptTarget is how much of a long start line is said again, in bytes.
const keptTarget = 1 << 10

// essence is a head with no other fields than those of a handshake, as far as there is
// room for each.
func essence(head []byte) []byte {
	h, n := protocol.ParseHead(head)
	if n == 0 {
		return head[:keptHead]
	}
	line := h.StartLine
	if end := strings.LastIndexByte(line, ' '); end > keptTarget {
		line = line[:keptTarget] + line[end:]
	}
	short := []byte(line + "\r\n")
	for _, f := range h.Lines {
		name := strings.ToLower(f.Name)
		of := name == "host" || name == "origin" || name == "upgrade" || name == "connection" || strings.HasPrefix(name, "sec-websocket-")
		if field := f.Name + ": " + f.Value + "\r\n"; of && len(short)+len(field)+len("\r\n") <= keptHead {
			short = append(short, field...)
		}
	}
	return append(short, "\r\n"...)
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
