// Waiting for memory, in turn.

package memory

import "time"

// waiter is a call of Grow that waits. b.mu guards it.
type waiter struct {
	n      int64      // bytes
	done   bool       // it has been answered
	answer chan error // of capacity one
}

// waitForMemory waits until it is the caller's turn and the limit allows it, and counts n bytes.
func (b *Budget) waitForMemory(a *Account, n int64) error {
	w := &waiter{n: n, answer: make(chan error, 1)}
	b.mu.Lock()
	b.waiters = append(b.waiters, w)
	b.waiting.Add(1)
	e := b.accounts[a]
	switch {
	case e == nil:
	case e.evicted != 0:
		b.answer(w, b.full(a.held.Load()+n))
	default:
		e.waiter = w
	}
	b.admit()
	b.mu.Unlock()

	late := time.NewTimer(growTimeout)
	defer late.Stop()
	var err error
	select {
	case err = <-w.answer:
	case <-late.C:
		b.mu.Lock()
		b.answer(w, b.full(a.held.Load()+n)) // unless it has been meanwhile
		b.mu.Unlock()
		err = <-w.answer
	}
	if e != nil {
		b.mu.Lock()
		e.waiter = nil
		b.mu.Unlock()
	}
	return err
}

// answer ends a wait, once. b.mu is held.
func (b *Budget) answer(w *waiter, err error) {
	if !w.done {
		w.done = true
		b.waiting.Add(-1)
		w.answer <- err
	}
}

// admit ends the wait of those that have waited for the longest, as long as the limit allows
// it, and schedules an eviction for the others. b.mu is held.
func (b *Budget) admit() {
	for len(b.waiters) > 0 {
		w := b.waiters[0]
		if !w.done {
			if b.used.Load() >= b.limit {
				b.scheduleEviction()
				return
			}
			b.used.Add(w.n)
			b.answer(w, nil)
		}
		b.waiters[0] = nil
		b.waiters = b.waiters[1:]
	}
}
