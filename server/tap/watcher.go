// Watchers: cursors in the history, each with its own speed.

package tap

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"framescope/protocol/feed"
)

const (
	// fullBatch is how many bytes are sent without waiting for more.
	fullBatch = 64 << 10
	// batchTime is how long fewer bytes wait for more, counted from the last batch.
	batchTime = 16 * time.Millisecond
	// MaxWatchers bounds how many watch at once.
	MaxWatchers = 32
	// feedRate is how many bytes a second all watchers together get at most, and
	// feedBurst how many of them at once: pages that open while the history is full leave
	// the processors to other connections.
	feedRate  = 512 << 20
	feedBurst = 1 << 20
)

// ErrTooManyWatchers is returned by [Tap.Watch] while there are MaxWatchers.
var ErrTooManyWatchers = errors.New("tap: too many watchers")

// Watcher reads the history. Its methods are for one goroutine.
type Watcher struct {
	h       *history
	wake    chan struct{}
	timer   *time.Timer
	waiting bool      // guarded by h.mu; Next waits to be woken
	last    time.Time // when the last part of a block was returned

	block  *block // where it is
	at     int    // offset in the block
	frames uint64 // ordinal of the last frame returned
	begin  []byte // of the next batch

	behind   bool   // blocks that it has not seen were evicted: catchUp is next
	known    known  // what it has been sent of the connections in such blocks
	caughtUp int64  // bytes that catchUp has sent since it is behind
	batch    []byte // the last batch that was made for it, while it is
}

// Watch begins a feed: after the frame with the given ordinal, if capture is the id of this
// capture and later frames are still held; otherwise with the oldest frame held.
func (t *Tap) Watch(capture []byte, after uint64) (*Watcher, error) {
	h := &t.history
	h.mu.Lock()
	if len(h.watchers) >= MaxWatchers {
		h.mu.Unlock()
		return nil, ErrTooManyWatchers
	}
	w := &Watcher{h: h, wake: make(chan struct{}, 1), timer: time.NewTimer(0)}
	h.watchers[w] = struct{}{}
	h.recording.Store(true)
	h.unload()
	h.frames += h.unseen.Swap(0)
	h.ensureBlock(0, h.frames) // so that there is a block to begin with
	w.enter(h.first)
	resumed := string(capture) == string(h.id[:]) && after > w.frames && after <= h.frames
	if !resumed {
		after = w.frames
	}
	w.begin = h.beginRecord(after)
	w.behind = !resumed
	h.unlock()
	if resumed {
		w.skipTo(after)
	}
	return w, nil
}

// beginRecord returns the first record of a feed before which there were so many frames.
func (h *history) beginRecord(frames uint64) []byte {
	data := binary.LittleEndian.AppendUint64(h.id[:len(h.id):len(h.id)], frames)
	return feed.Append(nil, feed.Record{Kind: feed.Begin, Time: h.now(), Data: data})
}

// Close ends the feed.
func (w *Watcher) Close() {
	h := w.h
	h.mu.Lock()
	defer h.unlock()
	delete(h.watchers, w)
	if w.waiting {
		h.waiting--
	}
	w.timer.Stop()
	w.leave()
	w.block = nil
	if !h.keeps && len(h.watchers) == 0 {
		h.recording.Store(false)
		h.unload()
		h.stage = block{}
		for h.first != nil {
			h.evict()
		}
		h.reusable = nil
	}
}

// Next waits for the next batch of whole records: 64 KiB, or what arrives in 16 ms, and at
// most 256 KiB unless a single record is longer. The bytes are valid until the next call.
func (w *Watcher) Next(ctx context.Context) ([]byte, error) {
	for {
		if w.behind {
			if batch := w.catchUp(); len(batch) > 0 {
				return w.inTurn(ctx, batch)
			}
		}
		batch, size := w.piece()
		switch {
		case w.behind:
			continue
		case batch != nil:
			return w.inTurn(ctx, batch)
		case size == 0:
			if err := wait(ctx, w.wake); err != nil {
				return nil, err
			}
			continue
		}
		w.timer.Reset(batchTime - time.Since(w.last))
		if err := wait(ctx, w.timer.C); err != nil {
			return nil, err
		}
		w.last = time.Time{} // due
	}
}

// inTurn returns the batch once feedRate, which all watchers share, allows it.
func (w *Watcher) inTurn(ctx context.Context, batch []byte) ([]byte, error) {
	const perByte = float64(time.Second) / feedRate
	h, now := w.h, time.Now()
	h.mu.Lock()
	if free := now.Add(-time.Duration(feedBurst * perByte)); h.feedFree.Before(free) {
		h.feedFree = free
	}
	h.feedFree = h.feedFree.Add(time.Duration(float64(len(batch)) * perByte))
	early := h.feedFree.Sub(now)
	h.unlock()
	if early <= 0 {
		return batch, nil
	}
	w.timer.Reset(early)
	return batch, wait(ctx, w.timer.C)
}

func wait[T any](ctx context.Context, c <-chan T) error {
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// piece returns the next part of a block if it is large enough or due. If not, it returns how
// many bytes there are; if there are none, the watcher is woken when there are.
func (w *Watcher) piece() (batch []byte, size int) {
	if len(w.begin) > 0 {
		batch, w.begin = w.begin, nil
		return batch, len(batch)
	}
	w.h.mu.Lock()
	defer w.h.unlock()
	w.h.unload()
	for w.available() == 0 && w.advance() {
	}
	size = w.available()
	switch {
	case w.behind:
		return nil, 0
	case size == 0:
		if !w.waiting {
			w.waiting = true
			w.h.waiting++
		}
		return nil, 0
	case size < fullBatch && w.block.next == nil && time.Since(w.last) < batchTime:
		return nil, size
	}
	end := len(w.block.data)
	batch = w.block.data[w.at:end:end]
	w.at = end
	w.frames = w.block.after
	w.last = time.Now()
	return batch, size
}

func (w *Watcher) available() int { return len(w.block.data) - w.at }

// advance goes to the next block, if there is one. If that has been evicted, the watcher
// is behind.
func (w *Watcher) advance() bool {
	first := w.h.first
	switch {
	case w.block.next != nil:
		w.enter(w.block.next)
	case w.block.evicted && w.block.number+1 == first.number:
		w.enter(first)
	case w.block.evicted:
		w.behind = true
		return false
	default:
		return false
	}
	return true
}

// enter goes to the beginning of a block. h.mu is held.
func (w *Watcher) enter(b *block) {
	b.readers++
	w.leave()
	w.block, w.at, w.frames = b, 0, b.before
}

// leave says that the watcher no longer uses parts of its block. h.mu is held.
func (w *Watcher) leave() {
	if w.block != nil {
		w.block.readers--
		w.h.recycle(w.block)
	}
}
