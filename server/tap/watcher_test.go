// Watchers that fall behind: what they are sent, and what they may cost.

package tap

import (
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"framescope/protocol"
	"framescope/protocol/feed"
)

// A watcher that has missed connections, but no frame, must be sent the changes, too.
func TestOvertakenWithoutLosingAFrame(t *testing.T) {
	m := newModel(t, 600<<10, 1)
	m.connect(100)
	m.readers[0].watch(m.tap)
	for m.readers[0].read() {
	}
	m.disconnect(0)
	for range 3000 {
		m.connect(300)
		m.disconnect(0)
	}
	m.connect(0)
	if m.tap.history.frames != 0 || !m.readers[0].watcher.block.evicted {
		t.Fatal("there were frames, or nothing was evicted")
	}
	m.check(false)
}

// Blocks that were evicted while openConns was locked are read before a watcher catches up.
func TestEvictedIsTakenInFirst(t *testing.T) {
	m := newModel(t, 600<<10, 1)
	m.connect(100)
	m.readers[0].watch(m.tap)
	for m.readers[0].read() {
	}
	o := &m.tap.history.openConns
	o.mu.Lock()
	m.connect(100)
	m.disconnect(0)
	m.send(40, 20_000)
	if n := len(m.tap.history.evicted); n == 0 || n > maxEvicted {
		t.Fatalf("%d blocks wait", n)
	}
	o.mu.Unlock()
	m.readers[0].takeAll(m.readers[0].watcher.catchUp())
	m.readers[0].mustKnow(map[uint32]bool{2: true})
	m.check(false)
}

// Goroutines that record wait while too many evicted blocks wait to be read.
func TestEvictedBlocksAreBounded(t *testing.T) {
	m := newModel(t, 600<<10, 1)
	h := &m.tap.history
	waiting := func() int {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.evicted)
	}
	h.openConns.mu.Lock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 100 {
			m.connect(2000)
			for range 10 {
				if m.send(1, 30_000); waiting() > maxEvicted {
					t.Errorf("%d blocks wait, and a goroutine that records does not", waiting())
					return
				}
			}
		}
	}()
	for waiting() <= maxEvicted {
		runtime.Gosched()
	}
	h.openConns.mu.Unlock()
	<-done
	m.check(false)
	if waiting() != 0 {
		t.Errorf("%d blocks wait", waiting())
	}
}

// A page that comes back is overtaken while its place is looked for.
func TestResumedAndOvertaken(t *testing.T) {
	for _, evict := range []int{0, 15, 25, 60, 200} {
		m := newModel(t, 2<<20, 1)
		r := m.readers[0]
		r.watch(m.tap)
		m.connect(100)
		m.send(50, 20_000)
		for r.read() {
		}
		r.watcher.Close()
		m.connect(50)
		m.send(20, 20_000)
		r.watch(m.tap)
		// As if all that came from here on had come before its place was found.
		w := r.watcher
		w.enter(m.tap.history.first)
		m.send(evict, 20_000)
		m.disconnect(0)
		w.skipTo(r.frames)
		m.check(true)
		if lost := r.lost > 0; lost != (evict > 60) {
			t.Errorf("%d frames later: %d of %d are lost", evict, r.lost, r.frames)
		}
	}
}

// A watcher that reads more slowly than connections open and close is sent which are open,
// and then the frames, if not every head.
func TestConnectionsThatChangeFasterThanAWatcherReads(t *testing.T) {
	m := newModel(t, 4<<20, 1)
	for range 400 {
		m.connect(3000)
	}
	m.send(300, 20_000)
	r := m.readers[0]
	r.watch(m.tap)
	batches := 0
	for ; r.watcher.behind; batches++ {
		if !r.read() || batches > 100 {
			t.Fatalf("still behind after %d batches", batches)
		}
		for range 400 {
			m.connect(3000)
			m.disconnect(0)
		}
		m.send(300, 20_000)
	}
	if batches < 3 {
		t.Errorf("told in %d batches: nothing changed too fast", batches)
	}
	m.check(false)
}

// However many connections are open, a late watcher is sent them in ordinary batches, which
// are not kept.
func TestManyConnectionsAreSentInBatches(t *testing.T) {
	m := newModel(t, 64<<20, 3)
	for range 5000 {
		m.connect(1400)
	}
	m.send(4000, 20_000)
	if len(m.tap.history.first.opened) > 0 {
		t.Fatal("the history holds their handshakes still")
	}
	told := 0
	for i, r := range m.readers {
		r.watch(m.tap)
		for r.watcher.behind {
			r.read()
			if i == 0 {
				told++
			}
		}
		if cap(r.watcher.batch) != 0 || len(r.open) != 5000 {
			t.Fatalf("%d are told, a batch of %d bytes is kept", len(r.open), cap(r.watcher.batch))
		}
	}
	if told < 5000*1400*2/blockSize {
		t.Errorf("told in %d batches", told)
	}
	m.check(true)
}

// Of records that are longer than a batch each is one.
func TestLongRecordIsABatch(t *testing.T) {
	m := newModel(t, 8<<20, 1)
	r := m.readers[0]
	r.watch(m.tap)
	m.send(3, 1<<20)
	var sizes []int
	for r.read() {
		sizes = append(sizes, len(r.watcher.block.data))
	}
	if !slices.Contains(sizes, 1<<20+feed.HeaderSize) {
		t.Errorf("blocks of %d bytes", sizes)
	}
	m.check(true)
}

// With history off, connections that opened without a watcher are known.
func TestHistoryOffKnowsConnections(t *testing.T) {
	m := newModel(t, 0, 1)
	for range 100 {
		m.connect(10)
	}
	for i := range 50 {
		m.disconnect(i)
	}
	m.check(true)
	r := m.readers[0]
	r.watcher.Close()
	r.watcher = nil
	for range 10 {
		m.connect(10)
		m.disconnect(0)
	}
	m.check(true)
	for id, heads := range r.open {
		if len(heads) != 2 || !strings.Contains(heads[0], "GET /") {
			t.Errorf("connection %d: %q", id, heads)
		}
	}
}

// All watchers together get so many bytes a second, and one that follows waits for no
// other.
func TestFeedRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel(t, 64<<20, 3)
		m.send(600, 60_000)
		begun := time.Now()
		done := make(chan int)
		for _, r := range m.readers {
			r.watch(m.tap)
			go func() {
				bytes := 0
				for r.frames < 600 {
					batch, err := r.watcher.Next(t.Context())
					if err != nil {
						t.Error(err)
					}
					bytes += len(batch)
					r.takeAll(batch)
				}
				done <- bytes
			}()
		}
		bytes := 0
		for range m.readers {
			bytes += <-done
		}
		took, want := time.Since(begun), time.Duration(float64(bytes-feedBurst)/feedRate*float64(time.Second))
		if (took - want).Abs() > time.Millisecond { // of a clock that only this test moves
			t.Errorf("%d bytes in %v, want %v", bytes, took, want)
		}
		time.Sleep(time.Second)
		m.send(1, 100)
		begun = time.Now()
		if _, err := m.readers[0].watcher.Next(t.Context()); err != nil || time.Since(begun) != 0 {
			t.Errorf("a frame came after %v, %v", time.Since(begun), err)
		}
		for _, r := range m.readers {
			r.watcher.Close()
		}
	})
}

// With history off nothing is kept without watchers, nor after: not even a frame that a
// connection's end finds unfinished.
func TestHistoryOffKeepsNothing(t *testing.T) {
	frames := New(Options{Snap: 100})
	h := &frames.history
	end := func() {
		c := frames.Wrap(idleConn{}, protocol.Client)
		c.Received([]byte("\x81\x85half"), nil)
		c.Close()
	}
	end()
	if frames.Held() != 0 || h.frames != 0 {
		t.Errorf("before: %d bytes are held, and %d frames", frames.Held(), h.frames)
	}
	w, err := frames.Watch(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	end()
	w.Close()
	if frames.Held() != 0 || h.reusable != nil {
		t.Errorf("after: %d bytes are held, %d to be used again", frames.Held(), cap(h.reusable))
	}
}

// A connection that is closed twice has ended once.
func TestClosedOnce(t *testing.T) {
	frames := New(Options{Snap: 100, History: 1 << 20})
	c := frames.Wrap(idleConn{}, protocol.Client)
	c.Close()
	held := len(frames.history.stage.data)
	if c.Close(); len(frames.history.stage.data) != held {
		t.Error("the second Close is recorded")
	}
}

// idleConn is a connection of which only the end matters.
type idleConn struct{ net.Conn }

func (idleConn) Close() error         { return nil }
func (idleConn) RemoteAddr() net.Addr { return &net.TCPAddr{} }
