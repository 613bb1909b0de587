// Blocks: their memory is used again, but never while a watcher has a piece of it.

package tap

import (
	"bytes"
	"testing"
	"unsafe"
)

// A watcher that keeps up costs no new block, and what it was handed stays as it is until its
// next call.
func TestBlocksAreReusedBehindWatchers(t *testing.T) {
	const history = 2 << 20
	m := newModel(t, history, 2)
	follows, stays := m.readers[0], m.readers[1]
	stays.watch(m.tap)
	m.send(10, 20_000)
	var kept []byte
	for len(kept) < 10*20_000 { // until it has a piece of the first block
		var err error
		if kept, err = stays.watcher.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
		stays.takeAll(kept)
	}
	before := bytes.Clone(kept)
	follows.watch(m.tap)
	seen := map[*byte]bool{}
	for range 10 * history / 20_000 {
		m.send(1, 20_000)
		for follows.read() {
		}
		seen[unsafe.SliceData(m.tap.history.last.data)] = true
	}
	if most := history/blockSize + 3; len(seen) > most {
		t.Errorf("%d buffers were used for a history of %d", len(seen), most-3)
	}
	if !bytes.Equal(kept, before) {
		t.Error("what a watcher was handed has changed")
	}
	for range 100 {
		m.connect(3000) // such that openConns reads evicted blocks, too
	}
	m.send(3*history/20_000, 20_000)
	m.check(false)
}
