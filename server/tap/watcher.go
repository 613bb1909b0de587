// Watchers: cursors in the history, at their own pace.

package tap

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"framescope/protocol/feed"
)

const (
	// fullBatch is how many bytes leave without waiting for more.
	fullBatch = 64 << 10
	// batchTime is how long fewer bytes wait for more, since the last batch.
	batchTime = 16 * time.Millisecond
	// MaxWatchers bounds how many watch at once.
	MaxWatchers = 32
)

// ErrTooManyWatchers is returned by [Tap.Watch] when MaxWatchers are there.
var ErrTooManyWatchers = errors.New("tap: too many watchers")

// Watcher reads the history. Its methods are for one goroutine.
type Watcher struct {
	h     *history
	wake  chan struct{}
	timer *time.Timer
	last  time.Time // when the last batch was handed out

	// Guarded by h.mu:
	waiting bool
	block   *block // nil before the first record
	at      int    // offset in block
	frames  uint64 // ordinal of the last frame handed out
	extra   []byte // to hand out before anything else
}

// Watch begins a feed: with the frame after the given ordinal of the capture with
// that id, as far as it is still held, else with the oldest held.
func (t *Tap) Watch(capture []byte, after uint64) (*Watcher, error) {
	h := &t.history
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.watchers) >= MaxWatchers {
		return nil, ErrTooManyWatchers
	}
	h.unload()
	w := &Watcher{h: h, wake: make(chan struct{}, 1), timer: time.NewTimer(0)}
	h.watchers[w] = struct{}{}
	h.recording.Store(true)
	h.frames += h.unseen.Swap(0)
	w.rewind()
	if string(capture) == string(h.id[:]) && after > w.frames && after <= h.frames {
		w.extra = w.skipTo(after, h.begin(after))
	} else {
		w.extra = h.past.snapshot(h.begin(w.frames), h.now())
	}
	return w, nil
}

// begin is the beginning of a feed of which so many frames went before.
func (h *history) begin(frames uint64) []byte {
	data := binary.LittleEndian.AppendUint64(h.id[:len(h.id):len(h.id)], frames)
	return feed.Append(nil, feed.Record{Kind: feed.Begin, Time: h.now(), Data: data})
}

// Close ends the feed.
func (w *Watcher) Close() {
	h := w.h
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.watchers, w)
	if w.waiting {
		h.waiting--
	}
	w.timer.Stop()
	if h.limit == 0 && len(h.watchers) == 0 {
		h.recording.Store(false)
		h.unload()
		h.stage = block{}
		for h.first != nil {
			h.evict()
		}
	}
}

// Next waits for the next batch of whole records, 64 KiB or what 16 ms bring.
// The bytes are never written to again and may be kept.
func (w *Watcher) Next(ctx context.Context) ([]byte, error) {
	for {
		batch, size := w.ready()
		if size == 0 {
			if err := wait(ctx, w.wake); err != nil {
				return nil, err
			}
			continue
		}
		if batch != nil {
			w.last = time.Now()
			return batch, nil
		}
		w.timer.Reset(batchTime - time.Since(w.last))
		if err := wait(ctx, w.timer.C); err != nil {
			return nil, err
		}
		w.last = time.Time{} // due
	}
}

func wait[T any](ctx context.Context, c <-chan T) error {
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ready takes the next batch if it is full or due; else it says how many bytes
// there are, and asks to be woken if there are none.
func (w *Watcher) ready() (batch []byte, size int) {
	w.h.mu.Lock()
	defer w.h.mu.Unlock()
	if len(w.extra) > 0 {
		batch, w.extra = w.extra, nil
		return batch, len(batch)
	}
	w.h.unload()
	for w.available() == 0 && w.advance() {
	}
	if len(w.extra) > 0 {
		batch, w.extra = w.extra, nil
		return batch, len(batch)
	}
	size = w.available()
	if size == 0 {
		if !w.waiting {
			w.waiting = true
			w.h.waiting++
		}
		return nil, 0
	}
	if size < fullBatch && w.block.next == nil && time.Since(w.last) < batchTime {
		return nil, size
	}
	end := len(w.block.data)
	batch = w.block.data[w.at:end:end]
	w.at = end
	w.frames = w.block.after
	return batch, size
}

func (w *Watcher) available() int {
	if w.block == nil {
		return 0
	}
	return len(w.block.data) - w.at
}

// advance goes to the next block, if there is one. Frames that were evicted
// meanwhile are told as lost, with all that one must know to go on.
func (w *Watcher) advance() bool {
	began := w.block != nil
	switch {
	case w.h.first == nil:
		return false
	case began && w.block.next != nil:
		w.enter(w.block.next)
		return true
	case began && !w.block.evicted:
		return false
	}
	w.enter(w.h.first)
	lost := w.block.before - w.frames
	if lost > 0 {
		data := binary.LittleEndian.AppendUint64(nil, lost)
		w.extra = feed.Append(w.extra, feed.Record{Kind: feed.Lost, Time: w.h.now(), Data: data})
		w.frames = w.block.before
	}
	if began || lost > 0 {
		w.extra = w.h.past.snapshot(w.extra, w.h.now())
	}
	return true
}

// enter goes to the beginning of a block, or to none.
func (w *Watcher) enter(b *block) {
	w.block, w.at = b, 0
	if b != nil {
		b.entered = true
	}
}

// rewind goes to the oldest record held.
func (w *Watcher) rewind() {
	w.frames = w.h.frames
	w.enter(w.h.first)
	if w.block != nil {
		w.frames = w.block.before
	}
}

// skipTo goes on from the oldest record to behind the frame with an ordinal, which is
// held: who has seen that frame knows all that went before. What is left of a run that
// it is in the midst of is appended to dst.
func (w *Watcher) skipTo(ordinal uint64, dst []byte) []byte {
	for w.frames < ordinal {
		if w.available() == 0 && !w.advance() {
			break
		}
		r, n, err := feed.Parse(w.block.data[w.at:])
		if n == 0 || err != nil {
			break
		}
		w.at += n
		for frame := range r.Frames() {
			if w.frames++; w.frames > ordinal {
				dst = feed.Append(dst, frame)
			}
		}
	}
	return dst
}
