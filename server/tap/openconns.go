// The connections that were open where the history begins: what a watcher must know to
// start there.

package tap

import (
	"math/bits"
	"slices"
	"sort"
	"sync"

	"framescope/protocol/feed"
)

// chunkConns is how many ids a chunk covers. Their records, two heads of keptHead bytes
// each, fit into a batch.
const chunkConns = 16

// chunk has the open connections of a range of ids. A chunk that is in a snapshot is not
// changed: changes are made to a copy.
type chunk struct {
	chunkID
	open     uint16   // one bit for each that is open
	recorded uint16   // and one for each of which there are records
	records  [][]byte // of these: Open and Head records, marked as Replayed
}

// chunkID identifies a chunk's content: two chunks with the same id are equal.
type chunkID struct {
	number  uint32 // the first id that it covers, divided by chunkConns
	version uint64
}

func (c chunkID) first() uint32 { return c.number * chunkConns }
func (c chunkID) last() uint32  { return c.first() + chunkConns - 1 }

// The sizes of a chunk and of a connection with records, without the records, in bytes.
const (
	chunkOverhead = 72
	connOverhead  = 48
)

// openConns holds what is known of the connections that were open where the history
// begins, from the records of evicted blocks. It uses half of the history's bound at most:
// when that is short, heads are dropped first, then all records. The ids of open connections
// are always kept, in less than chunkOverhead bytes each.
type openConns struct {
	limit int64 // bytes, a half of the history's

	mu      sync.Mutex
	chunks  []*chunk // in order, none without an open connection
	shared  bool     // chunks is in a snapshot, too
	version uint64   // of chunks that no snapshot shares yet
	last    uint32   // the highest id of all whose Open was in an evicted block
	bytes   int64
}

// snapshot is the content of openConns at one time. It does not change.
type snapshot struct {
	chunks []*chunk
	last   uint32
	bytes  int64
}

// snapshot returns a snapshot, in the same time however many connections there are. o.mu is
// held.
func (o *openConns) snapshot() snapshot {
	o.shared = true
	o.version++
	return snapshot{o.chunks, o.last, o.bytes}
}

// absorb adds what an evicted block says of connections. One that closed in the block in
// which it opened is not added. o.mu is held.
func (o *openConns) absorb(b *block) {
	slices.Sort(b.closed)
	for _, at := range b.opened {
		var r feed.Record
		if n, err := r.Parse(b.data[at:]); n == 0 || err != nil {
			continue
		}
		if r.Kind == feed.Open {
			o.last = max(o.last, r.Conn)
		}
		if _, over := slices.BinarySearch(b.closed, r.Conn); !over {
			o.add(&r)
		}
	}
	emptied := false
	for _, id := range b.closed {
		emptied = o.remove(id) || emptied
	}
	if emptied {
		o.own()
		o.chunks = slices.DeleteFunc(o.chunks, func(c *chunk) bool { return c.open == 0 })
	}
}

// find returns the index at which the chunk of an id is, or would be.
func (o *openConns) find(id uint32) (at int, found bool) {
	number := id / chunkConns
	at = len(o.chunks) - 1 // where most are
	if at < 0 || o.chunks[at].number < number {
		return at + 1, false
	}
	if o.chunks[at].number > number {
		at = sort.Search(at, func(i int) bool { return o.chunks[i].number >= number })
	}
	return at, o.chunks[at].number == number
}

// own copies chunks if a snapshot has that slice.
func (o *openConns) own() {
	if o.shared {
		o.chunks, o.shared = slices.Clone(o.chunks), false
	}
}

// change returns the chunk at an index, for the caller to change.
func (o *openConns) change(at int) *chunk {
	c := o.chunks[at]
	if c.version != o.version {
		o.own()
		changed := *c
		c = &changed
		c.version, c.records = o.version, slices.Clone(c.records)
		o.chunks[at] = c
	}
	return c
}

// add adds an Open or a Head.
func (o *openConns) add(r *feed.Record) {
	at, found := o.find(r.Conn)
	bit := uint16(1) << (r.Conn % chunkConns)
	if r.Kind != feed.Open {
		if found && o.chunks[at].recorded&bit != 0 && o.fit(r) {
			o.change(at).add(bit, r)
			o.bytes += recordSize(r)
		}
		return
	}
	if !found {
		o.own()
		o.chunks = slices.Insert(o.chunks, at, &chunk{chunkID: chunkID{r.Conn / chunkConns, o.version}})
		o.bytes += chunkOverhead
	}
	c := o.change(at)
	c.open |= bit
	if o.bytes+recordSize(r)+connOverhead <= o.limit {
		c.add(bit, r)
		o.bytes += recordSize(r) + connOverhead
	}
}

// remove removes a connection and reports whether its chunk has become empty.
func (o *openConns) remove(id uint32) (emptied bool) {
	at, found := o.find(id)
	bit := uint16(1) << (id % chunkConns)
	if !found || o.chunks[at].open&bit == 0 {
		return false
	}
	c := o.change(at)
	c.open &^= bit
	if c.recorded&bit != 0 {
		i := c.index(bit)
		o.bytes -= int64(len(c.records[i])) + connOverhead
		c.recorded &^= bit
		c.records = slices.Delete(c.records, i, i+1)
	}
	if c.open == 0 {
		o.bytes -= chunkOverhead
	}
	return c.open == 0
}

// index returns the index of the records of a connection.
func (c *chunk) index(bit uint16) int { return bits.OnesCount16(c.recorded & (bit - 1)) }

// add adds a record to those of a connection, which others may be reading.
func (c *chunk) add(bit uint16, r *feed.Record) {
	r.Flags |= feed.Replayed
	i := c.index(bit)
	if c.recorded&bit == 0 {
		c.recorded |= bit
		c.records = slices.Insert(c.records, i, nil)
	}
	had := c.records[i]
	c.records[i] = r.Append(append(make([]byte, 0, int64(len(had))+recordSize(r)), had...))
}

// recordSize returns the size of a record in bytes.
func recordSize(r *feed.Record) int64 {
	size := int64(feed.HeaderSize + len(r.Data))
	if r.Flags&feed.Cut != 0 {
		size += 8
	}
	return size
}
