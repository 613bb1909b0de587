// What a watcher has been sent of the open connections, and what has to be sent.

package tap

import (
	"encoding/binary"

	"framescope/protocol/feed"
)

// known is what a watcher knows of the connections whose Open has been evicted.
type known struct {
	chunks []chunkID // in order; a chunk that has not changed is not sent again
	last   uint32    // the highest id of which something has been sent
	unused []chunkID // memory for the next list of chunks
}

// appendChanges appends what is different in s: for each chunk that has changed the records
// of its connections, then which connections of its range are open. It stops before dst
// exceeds limit bytes, unless dst is empty; then more is true. A watcher reads whole
// blocks of the history in between, and these have no records of chunks that are unchanged.
func (k *known) appendChanges(dst []byte, s snapshot, limit int, now int64) (batch []byte, more bool) {
	sent, old := k.unused[:0], k.chunks
	k.unused = old
	from := uint32(1) // the first id that no record is about yet
	for _, c := range s.chunks {
		before := old
		for len(old) > 0 && old[0].number < c.number {
			old = old[1:] // all its connections have closed
		}
		gone := len(old) < len(before)
		same := len(old) > 0 && old[0] == c.chunkID
		if len(old) > 0 && old[0].number == c.number {
			old = old[1:]
		}
		last := min(c.last(), s.last)
		if !same || gone {
			if len(dst) > 0 && len(dst)+c.size() > limit {
				k.chunks = append(sent, before...)
				return dst, true
			}
			if same {
				dst = appendKnown(dst, now, from, c.first()-1, nil)
			} else {
				dst = c.append(dst, now, from, last)
			}
		}
		sent = append(sent, c.chunkID)
		from = last + 1
	}
	if from <= s.last && (len(old) > 0 || k.last < s.last) {
		if len(dst) > 0 && len(dst)+knownSize > limit {
			k.chunks = append(sent, old...)
			return dst, true
		}
		dst = appendKnown(dst, now, from, s.last, nil)
	}
	k.chunks, k.last = sent, s.last
	return dst, false
}

// appendAll appends one record that says which connections are open, and nothing else of them.
func (k *known) appendAll(dst []byte, s snapshot, now int64) []byte {
	k.chunks, k.last = k.chunks[:0], s.last
	var ids []byte
	for _, c := range s.chunks {
		ids = c.appendIDs(ids)
		k.chunks = append(k.chunks, c.chunkID)
	}
	return appendKnown(dst, now, 1, s.last, ids)
}

// knownSize is the size of a Known record without ids.
const knownSize = feed.HeaderSize + 8

// append appends the records of the connections of a chunk, and a record which says that of
// the ids from from to last no others are open.
func (c *chunk) append(dst []byte, now int64, from, last uint32) []byte {
	for _, records := range c.records {
		dst = append(dst, records...)
	}
	return appendKnown(dst, now, from, last, c.appendIDs(nil))
}

// size returns how many bytes append appends at most.
func (c *chunk) size() int {
	size := knownSize + 4*chunkConns
	for _, records := range c.records {
		size += len(records)
	}
	return size
}

// appendIDs appends the ids of the open connections as a Known record has them.
func (c *chunk) appendIDs(dst []byte) []byte {
	for i := range uint32(chunkConns) {
		if c.open&(1<<i) != 0 {
			dst = binary.LittleEndian.AppendUint32(dst, c.first()+i)
		}
	}
	return dst
}

// appendKnown appends the record which says that of the connections from first to last
// those with ids are open.
func appendKnown(dst []byte, now int64, first, last uint32, ids []byte) []byte {
	data := binary.LittleEndian.AppendUint32(make([]byte, 0, 8+len(ids)), first)
	data = binary.LittleEndian.AppendUint32(data, last)
	return feed.Append(dst, feed.Record{Kind: feed.Known, Time: now, Data: append(data, ids...)})
}
