// A model of watchers: whatever happens in whatever order, each ends with exactly the
// connections that are open, and has accounted for every frame.

package tap

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"framescope/protocol"
	"framescope/protocol/feed"
)

// reader is a page: it believes what it is sent, and continues with that when its feed
// breaks off.
type reader struct {
	t       *testing.T
	watcher *Watcher // nil while it has no feed
	capture []byte
	frames  uint64              // seen and lost
	open    map[uint32][]string // by id: its heads
	lost    uint64
}

func (r *reader) watch(tap *Tap) {
	w, err := tap.Watch(r.capture, r.frames)
	if err != nil {
		r.t.Fatal(err)
	}
	r.watcher = w
}

// read takes one batch in, if there is something.
func (r *reader) read() (some bool) {
	w := r.watcher
	w.last = w.last.Add(-batchTime) // it is always due
	w.h.mu.Lock()
	w.h.feedFree = time.Time{} // and in its turn
	w.h.unload()
	idle := !w.behind && len(w.begin) == 0 && w.available() == 0 && !w.block.evicted && w.block.next == nil
	w.h.unlock()
	if idle {
		return false
	}
	batch, err := w.Next(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	if len(batch) > blockSize {
		if _, n, _ := feed.Parse(batch); n < len(batch) && n < len(batch)-blockSize {
			r.t.Errorf("a batch of %d bytes", len(batch))
		}
	}
	for len(batch) > 0 {
		record, n, err := feed.Parse(batch)
		if n == 0 || err != nil {
			r.t.Fatalf("a batch is broken: %v", err)
		}
		r.take(&record)
		batch = batch[n:]
	}
	return true
}

func (r *reader) take(record *feed.Record) {
	switch id := record.Conn; record.Kind {
	case feed.Begin:
		r.capture = slices.Clone(record.Data[:16])
		before := binary.LittleEndian.Uint64(record.Data[16:])
		if before < r.frames {
			r.t.Errorf("the feed goes back from frame %d to %d", r.frames, before)
		}
		r.lost += before - r.frames
		r.frames = before
	case feed.Lost:
		lost := binary.LittleEndian.Uint64(record.Data)
		r.frames, r.lost = r.frames+lost, r.lost+lost
	case feed.Open:
		if _, known := r.open[id]; !known {
			r.open[id] = nil
		}
	case feed.Head:
		if heads := r.open[id]; len(heads) <= int(record.Side) {
			r.open[id] = append(heads, string(record.Data))
		}
	case feed.Closed:
		delete(r.open, id)
	case feed.Known:
		r.takeKnown(record.Data)
	default:
		for range record.Frames() {
			r.frames++
		}
	}
}

func (r *reader) takeKnown(data []byte) {
	first, last := binary.LittleEndian.Uint32(data), binary.LittleEndian.Uint32(data[4:])
	open := map[uint32]bool{}
	for ids := data[8:]; len(ids) > 0; ids = ids[4:] {
		id := binary.LittleEndian.Uint32(ids)
		if id < first || id > last || len(ids)%4 != 0 {
			r.t.Errorf("%d is said to be in %d to %d", id, first, last)
		}
		open[id] = true
		if _, known := r.open[id]; !known {
			r.open[id] = nil // listed without its records, for lack of memory
		}
	}
	maps.DeleteFunc(r.open, func(id uint32, _ []string) bool { return id >= first && id <= last && !open[id] })
}

// model is a tap and what is true of it.
type model struct {
	t       *testing.T
	tap     *Tap
	open    map[uint32][]string
	ids     []uint32
	readers []*reader
}

func newModel(t *testing.T, history int64, readers int) *model {
	m := &model{t: t, tap: New(Options{Snap: 64 << 10, History: history}), open: map[uint32][]string{}}
	for range readers {
		m.readers = append(m.readers, &reader{t: t, open: map[uint32][]string{}})
	}
	return m
}

func (m *model) connect(heads int) {
	h := &m.tap.history
	id := h.open([]byte("12345678127.0.0.1:80"))
	m.open[id] = nil
	m.ids = append(m.ids, id)
	for side := range 2 {
		if heads > 0 {
			head := fmt.Sprintf("GET /%d HTTP/1.1\r\nX: %s\r\n\r\n", id, strings.Repeat("x", heads))
			h.head(id, protocol.Side(side), []byte(head))
			m.open[id] = append(m.open[id], head)
		}
	}
}

func (m *model) disconnect(i int) {
	if len(m.ids) > 0 {
		i %= len(m.ids)
		m.tap.history.close(m.ids[i], protocol.Client)
		delete(m.open, m.ids[i])
		m.ids = slices.Delete(m.ids, i, i+1)
	}
}

func (m *model) send(n, size int) {
	for range n {
		w := m.tap.history.note()
		if w.on = w.h.recording.Load(); w.on {
			w.h.flood.endIfOver(w.time)
		}
		w.frame(1, protocol.Client, make([]byte, size), uint64(size), 0)
		w.done()
	}
}

// step does one thing.
func (m *model) step(op byte, n int) {
	r := m.readers[n%len(m.readers)]
	switch op % 10 {
	case 0:
		for range n % 50 {
			m.connect(n % 700)
		}
	case 1:
		m.connect(n * 37 % 5000)
	case 2:
		for i := range n % 40 {
			m.disconnect(n * (i + 1))
		}
	case 3:
		m.send(n%100, 2000)
	case 4:
		m.send(2, 60_000)
	case 5:
		for range n % 100 { // many short ones
			m.connect(0)
			m.disconnect(len(m.ids) - 1)
		}
	case 6, 7:
		for range n%5 + 1 {
			if r.watcher != nil {
				r.read()
			}
		}
	case 8:
		if r.watcher == nil {
			r.watch(m.tap)
		}
	case 9:
		if r.watcher != nil && n%3 == 0 {
			r.watcher.Close()
			r.watcher = nil
		}
	}
}

// check lets all readers come to the end and compares what they believe.
func (m *model) check(heads bool) {
	m.t.Helper()
	frames := uint64(0)
	for i, r := range m.readers {
		if r.watcher == nil {
			r.watch(m.tap)
		}
		for r.read() {
		}
		if frames = m.tap.history.frames; r.frames != frames {
			m.t.Errorf("reader %d: %d frames accounted for, of %d", i, r.frames, frames)
		}
		if !slices.Equal(slices.Sorted(maps.Keys(r.open)), slices.Sorted(maps.Keys(m.open))) {
			m.t.Errorf("reader %d: %d are open, want %d", i, slices.Sorted(maps.Keys(r.open)), slices.Sorted(maps.Keys(m.open)))
		}
		for id, want := range m.open {
			if got := r.open[id]; heads && !slices.EqualFunc(got, want, func(a, b string) bool { return a == b || len(b) > keptHead }) {
				m.t.Fatalf("reader %d: the heads of %d are %.50q, want %.50q", i, id, got, want)
			}
		}
	}
	h := &m.tap.history
	h.openConns.mu.Lock()
	h.absorbAll()
	m.checkBytes()
	want := h.openConns.bytes + int64(cap(h.stage.data))
	for b := h.first; b != nil; b = b.next {
		want += int64(cap(b.data))
	}
	h.openConns.mu.Unlock()
	h.mu.Unlock()
	held := m.tap.Held()
	if held != want {
		m.t.Errorf("Held says %d bytes, and there are %d", held, want)
	}
	if held > h.limit+blockSize+stageSize+int64(len(m.open))*chunkOverhead {
		m.t.Errorf("%d bytes are held of %d", held, h.limit)
	}
}

// checkBytes counts anew what the open connections take.
func (m *model) checkBytes() {
	m.t.Helper()
	o, bytes := &m.tap.history.openConns, int64(0)
	for i, c := range o.chunks {
		if c.open == 0 || i > 0 && o.chunks[i-1].number >= c.number || c.recorded&^c.open != 0 {
			m.t.Errorf("chunk %d is %+v", i, c.chunkID)
		}
		bytes += chunkOverhead
		for _, records := range c.records {
			bytes += connOverhead + int64(len(records))
		}
	}
	if bytes != o.bytes || o.bytes > o.limit+int64(len(o.chunks))*chunkOverhead {
		m.t.Errorf("%d bytes, counted %d, at most %d", bytes, o.bytes, o.limit)
	}
}

func TestModel(t *testing.T) {
	for _, history := range []int64{0, 600 << 10, 3 << 20, 16 << 20} {
		for seed := range uint64(16 >> (history >> 22)) {
			t.Run(fmt.Sprint(history, "/", seed), func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, uint64(history)))
				m := newModel(t, history, 4)
				for round := range 5 {
					for range 150 {
						m.step(byte(random.Uint32()), int(random.Uint32()>>8))
					}
					m.check(history == 16<<20)
					if t.Failed() {
						t.Fatalf("in round %d", round)
					}
				}
				for len(m.ids) > 0 {
					m.disconnect(0)
				}
				m.send(100, 10_000)
				m.check(true)
				for _, r := range m.readers {
					r.watcher.Close()
				}
				if o := &m.tap.history.openConns; history == 0 && (m.tap.Held() != 0 || o.bytes != 0 || len(o.chunks) != 0) {
					t.Errorf("%d bytes are held when all have gone", m.tap.Held())
				}
			})
		}
	}
}

// Many record at once while watchers read, fall behind, leave and come back: in the end
// all know the same.
func TestModelAllAtOnce(t *testing.T) {
	m := newModel(t, 1<<20, 4)
	var recorders, watchers sync.WaitGroup
	var mu sync.Mutex
	for i := range uint64(6) {
		recorders.Go(func() {
			random := rand.New(rand.NewPCG(i, 1))
			mine := &model{t: t, tap: m.tap, open: map[uint32][]string{}}
			for range 400 {
				switch random.IntN(4) {
				case 0:
					mine.connect(random.IntN(3000))
				case 1:
					mine.disconnect(random.IntN(100))
				case 2:
					mine.send(1+random.IntN(5), 10_000)
				default:
					for range 10 {
						mine.connect(0)
						mine.disconnect(len(mine.ids) - 1)
					}
				}
			}
			mu.Lock()
			maps.Copy(m.open, mine.open)
			mu.Unlock()
		})
	}
	stop := make(chan struct{})
	for i, r := range m.readers {
		watchers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if r.watcher == nil {
					r.watch(m.tap)
				}
				r.read()
				if n%(20*(i+1)) == 0 {
					r.watcher.Close()
					r.watcher = nil
				}
			}
		})
	}
	recorders.Wait()
	close(stop)
	watchers.Wait()
	m.check(false)
}

func FuzzModel(f *testing.F) {
	f.Add([]byte("\x08\x01\x00\x31\x03\x63\x06\x01\x05\x50\x03\x63\x03\x62\x03\x61\x06\x01"), true)
	f.Add([]byte("\x00\x31\x08\x01\x08\x02\x04\x01\x04\x01\x04\x01\x04\x01\x04\x01\x02\x10\x04\x01\x04\x01\x06\x01"), false)
	f.Fuzz(func(t *testing.T, program []byte, off bool) {
		history := int64(600 << 10)
		if off {
			history = 0
		}
		m := newModel(t, history, 3)
		for i := 0; i+1 < min(len(program), 1000); i += 2 {
			m.step(program[i], int(program[i+1]))
		}
		m.check(false)
	})
}
