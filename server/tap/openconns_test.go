// The open connections by themselves: what is known of them in how much memory, and that a
// watcher is sent each change, however the changes are cut into batches.

package tap

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"framescope/protocol"
	"framescope/protocol/feed"
)

// evictedBlock returns a block with the records of connections that open and that close.
func evictedBlock(opened, closed []uint32, pad string) *block {
	b := new(block)
	add := func(r feed.Record) {
		b.opened = append(b.opened, int32(len(b.data)))
		b.data = r.Append(b.data)
	}
	for _, id := range opened {
		add(feed.Record{Kind: feed.Open, Conn: id, Data: []byte("12345678127.0.0.1:80")})
		if pad != "" {
			add(feed.Record{Kind: feed.Head, Conn: id, Data: []byte("GET / HTTP/1.1\r\nX: " + pad + "\r\n\r\n")})
		}
	}
	b.closed = closed
	return b
}

// TestChangesAreSent opens and closes connections and sends a reader the changes now and then, in
// batches of every size: in the end the reader knows which are open.
func TestChangesAreSent(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 0))
		var o openConns
		o.limit = 1 << 20
		var k known
		r := &reader{t: t, open: map[uint32][]string{}}
		open := map[uint32]bool{}
		limit, next, caughtUp := 1+random.IntN(3000), uint32(1), true
		for range 60 {
			var opened, closed []uint32
			for range random.IntN(40) {
				opened = append(opened, next)
				open[next] = true
				next += 1 + uint32(random.IntN(30))*uint32(random.IntN(2))
			}
			for id := range open {
				if random.IntN(100) < 10+int(seed)%60 {
					closed = append(closed, id)
					delete(open, id)
				}
			}
			if caughtUp = caughtUp && random.IntN(2) == 0; caughtUp {
				// It sees the block before that is evicted.
				for _, id := range opened {
					r.open[id] = nil
				}
				for _, id := range closed {
					delete(r.open, id)
				}
			}
			o.absorb(evictedBlock(opened, closed, strings.Repeat("x", random.IntN(100))))
			if caughtUp || random.IntN(3) == 0 {
				continue
			}
			s := o.snapshot()
			if random.IntN(20) == 0 {
				r.takeAll(k.appendAll(nil, s, 0))
			} else {
				batch, more := k.appendChanges(nil, s, limit, 0)
				if ranges := r.takeAll(batch); len(batch) > limit && ranges > 1 {
					t.Errorf("a batch of %d bytes, at most %d", len(batch), limit)
				}
				caughtUp = !more
			}
			if caughtUp {
				r.mustKnow(open)
			}
		}
		for more := true; more; {
			var batch []byte
			batch, more = k.appendChanges(nil, o.snapshot(), limit, 0)
			r.takeAll(batch)
		}
		r.mustKnow(open)
		if batch, more := k.appendChanges(nil, o.snapshot(), limit, 0); len(batch) > 0 || more {
			t.Errorf("%d bytes are told when nothing has changed", len(batch))
		}
		// Those that go last are missed, too.
		o.absorb(evictedBlock(nil, slices.Collect(maps.Keys(open)), ""))
		batch, _ := k.appendChanges(nil, o.snapshot(), limit, 0)
		r.takeAll(batch)
		if r.mustKnow(nil); t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// Connections that a watcher saw open in the history, and whose end it missed, are reported at the
// end of the changes, however many batches these are.
func TestHighestIDsAreSent(t *testing.T) {
	var o openConns
	o.limit = 1 << 20
	var first, more []uint32
	for id := range uint32(200) {
		first, more = append(first, id+1), append(more, id+201)
	}
	o.absorb(evictedBlock(first, nil, "old"))
	var k known
	r := &reader{t: t, open: map[uint32][]string{}}
	batch, _ := k.appendChanges(nil, o.snapshot(), 1<<20, 0)
	r.takeAll(batch)
	for _, id := range more {
		r.open[id] = nil // seen in the history
	}
	o.absorb(evictedBlock(more, nil, "new"))
	o.absorb(evictedBlock(nil, append(more, 1, 100, 200), ""))
	for more := true; more; {
		batch, more = k.appendChanges(nil, o.snapshot(), 10, 0)
		r.takeAll(batch)
	}
	open := map[uint32]bool{}
	for _, id := range first {
		open[id] = id != 1 && id != 100 && id != 200
	}
	maps.DeleteFunc(open, func(_ uint32, open bool) bool { return !open })
	r.mustKnow(open)
}

// A head that is recorded after its connection has ended leaves nothing.
func TestHeadOfAnEndedConnection(t *testing.T) {
	var o openConns
	o.limit = 1 << 20
	o.absorb(evictedBlock([]uint32{1, 2}, nil, "a"))
	o.absorb(evictedBlock(nil, []uint32{2}, ""))
	bytes := o.bytes
	for _, id := range []uint32{2, 3, 100} {
		head := feed.Record{Kind: feed.Head, Conn: id, Data: []byte("GET / HTTP/1.1\r\n\r\n")}
		o.absorb(&block{data: head.Append(nil), opened: []int32{0}})
	}
	if o.bytes != bytes || len(o.chunks) != 1 || o.chunks[0].recorded != 1<<1 || o.last != 2 {
		t.Errorf("%d bytes in %d chunks, %b are told", o.bytes, len(o.chunks), o.chunks[0].recorded)
	}
}

// takeAll reads a batch and returns how many ranges it has.
func (r *reader) takeAll(batch []byte) (ranges int) {
	for len(batch) > 0 {
		record, n, err := feed.Parse(batch)
		if n == 0 || err != nil {
			r.t.Fatalf("a batch is broken: %v", err)
		}
		r.take(&record)
		if batch = batch[n:]; record.Kind == feed.Known {
			ranges++
		}
	}
	return ranges
}

func (r *reader) mustKnow(open map[uint32]bool) {
	r.t.Helper()
	got, want := slices.Sorted(maps.Keys(r.open)), slices.Sorted(maps.Keys(open))
	if !slices.Equal(got, want) {
		r.t.Errorf("%d are open, want %d", got, want)
	}
}

// What a snapshot holds stays, whatever happens afterwards.
func TestSnapshotDoesNotChange(t *testing.T) {
	var o openConns
	o.limit = 1 << 20
	ids := func(first, last, step uint32) (ids []uint32) {
		for id := first; id <= last; id += step {
			ids = append(ids, id)
		}
		return ids
	}
	o.absorb(evictedBlock(ids(1, 100, 1), nil, "ten"))
	s := o.snapshot()
	var k known
	before, _ := k.appendChanges(nil, s, 1<<20, 0)
	o.absorb(evictedBlock(ids(101, 200, 1), ids(1, 200, 3), "twenty"))
	o.absorb(evictedBlock(nil, ids(17, 32, 1), ""))
	late := &block{}
	head := feed.Record{Kind: feed.Head, Conn: 2, Side: protocol.Server, Data: []byte("HTTP/1.1 101 \r\n\r\n")}
	late.data, late.opened = head.Append(nil), []int32{0}
	o.absorb(late)
	o.absorb(evictedBlock(nil, ids(33, 150, 1), ""))
	k = known{}
	if after, _ := k.appendChanges(nil, s, 1<<20, 0); !bytes.Equal(before, after) {
		t.Error("the snapshot has changed")
	}
}

// However many connections there are, and whatever their heads, what is known of them
// takes half of the history at most, ids aside: first heads are cut to their handshake,
// then heads are left out, then all but the ids.
func TestOpenConnsAreBounded(t *testing.T) {
	for _, history := range []int64{1 << 20, liveHistory, 64 << 20} {
		for _, heads := range []int{0, 500, 3700, 20_000} {
			pad := strings.Repeat("x", heads)
			o := openConns{limit: history / 2}
			var whole, short, none, ids int
			for id := uint32(1); id <= 18_000; id++ {
				o.absorb(evictedBlock([]uint32{id}, nil, pad))
				c := o.chunks[id/chunkConns]
				bit := uint16(1) << (id % chunkConns)
				if c.recorded&bit == 0 {
					ids++
					continue
				}
				records := c.records[c.index(bit)]
				_, n, _ := feed.Parse(records)
				switch head, _, _ := feed.Parse(records[n:]); {
				case head.Kind != feed.Head:
					none++
				case head.Flags&feed.Cut != 0:
					short++
				default:
					whole++
				}
			}
			most := o.limit + int64(len(o.chunks))*chunkOverhead
			taken := int64(0)
			for _, c := range o.chunks {
				taken += chunkOverhead
				for _, records := range c.records {
					taken += connOverhead + int64(cap(records))
				}
			}
			if taken > most || o.bytes > most {
				t.Errorf("history of %d, heads of %d: %d bytes are taken, %d counted, at most %d", history, heads, taken, o.bytes, most)
			}
			if whole+short+none+ids != 18_000 || heads == 3700 && (whole == 0 || short == 0) || history == 1<<20 && (ids == 0 || heads > 0 && none == 0) || history == 64<<20 && ids > 0 {
				t.Errorf("history of %d, heads of %d: %d whole, %d short, %d without, %d not at all", history, heads, whole, short, none, ids)
			}
			// And when they have gone, nothing is left.
			var all []uint32
			for id := range uint32(18_000) {
				all = append(all, id+1)
			}
			if o.absorb(evictedBlock(nil, all, "")); o.bytes != 0 || len(o.chunks) != 0 {
				t.Errorf("%d bytes in %d chunks are left", o.bytes, len(o.chunks))
			}
		}
	}
}

func TestHandshakeFields(t *testing.T) {
	long := strings.Repeat("y", 3000)
	for name, c := range map[string]struct{ head, want string }{
		"cookies":     {"GET /a HTTP/1.1\r\nhost: b\r\nCookie: " + long + "\r\nSec-WebSocket-Key: k\r\n\r\n", "GET /a HTTP/1.1\r\nhost: b\r\nSec-WebSocket-Key: k\r\n\r\n"},
		"target":      {"GET /" + long + " HTTP/1.1\r\nOrigin: o\r\n\r\n", "GET /" + long[:256-5-9] + " HTTP/1.1\r\nOrigin: o\r\n\r\n"},
		"reason":      {"HTTP/1.1 101 " + long + "\r\nUpgrade: u\r\n\r\n", "HTTP/1.1 101 " + long[:256-13] + "\r\nUpgrade: u\r\n\r\n"},
		"long field":  {"GET / HTTP/1.1\r\nOrigin: " + long + "\r\nConnection: c\r\n\r\n", "GET / HTTP/1.1\r\nConnection: c\r\n\r\n"},
		"never ended": {"GET /" + long, "GET /" + long[:1024-5]},
	} {
		if got := string(handshakeFields([]byte(c.head), 1024)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// BenchmarkAbsorb measures what it takes to evict a block full of short connections, and
// one that ends thousands of old ones.
func BenchmarkAbsorb(b *testing.B) {
	var short, old []uint32
	for id := range uint32(4000) {
		short = append(short, 20_000+id)
	}
	for id := range uint32(13_000) {
		old = append(old, id+1)
	}
	for name, block := range map[string]*block{"short": evictedBlock(short, short, ""), "old": evictedBlock(nil, old, "")} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				o := openConns{limit: 32 << 20}
				o.absorb(evictedBlock(old, nil, ""))
				o.snapshot()
				again := *block
				again.closed = slices.Clone(block.closed)
				b.StartTimer()
				o.absorb(&again)
			}
		})
	}
}
