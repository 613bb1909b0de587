// The lines that wait to be written to one member, and the goroutine that writes them.

package lines

import (
	"errors"
	"sync"

	"framescope/server/memory"
)

// outbox holds what the chat sends to a member until it has been written. The chat sends at most
// 64 messages, and 64 KiB and a message, before it is told that they have been written. It
// implements [chat.Transport].
type outbox struct {
	write  func(lines []string) error // sends to the peer
	end    func()                     // ends the connection: the reader fails soon, and write does
	budget *memory.Budget
	wake   chan struct{} // of capacity one

	account memory.Account // of what waits, and what is being written

	mu      sync.Mutex // guards the fields below
	waiting []string
	closed  bool   // nothing more is taken
	reason  string // why the connection was ended, "" if it was not
}

func newOutbox(budget *memory.Budget, write func([]string) error, end func()) *outbox {
	return &outbox{budget: budget, write: write, end: end, wake: make(chan struct{}, 1)}
}

var errClosed = errors.New("lines: the connection has ended")

// cost is what a line takes while it waits and is written: its bytes, a copy of them, and a bit more.
func cost(line string) int { return 2*len(line) + 32 }

// Send implements [chat.Transport].
func (o *outbox) Send(lines string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return errClosed
	}
	o.waiting = append(o.waiting, lines)
	o.budget.Add(&o.account, o, int64(cost(lines)))
	o.signal()
	return nil
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// Drop implements [chat.Transport].
func (o *outbox) Drop(reason string) {
	o.mu.Lock()
	if o.reason == "" {
		o.reason = reason
	}
	o.closed = true
	o.mu.Unlock()
	o.end()
	o.signal()
}

// Evict implements [memory.Holder]. The budget may call it while Send holds the mutex.
func (o *outbox) Evict(bool) { go o.Drop(noMemory) }

// finish has a last line written, and nothing more taken.
func (o *outbox) finish(last string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed && last != "" {
		o.waiting = append(o.waiting, last)
		o.budget.Add(&o.account, o, int64(cost(last)))
	}
	o.closed = true
	o.signal()
}

// whyEnded returns why the connection was ended, or why otherwise.
func (o *outbox) whyEnded(otherwise string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.reason != "" {
		return o.reason
	}
	return otherwise
}

// ended reports whether nothing more is taken.
func (o *outbox) ended() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.closed
}

// run writes what waits until the outbox is closed and empty, or a write fails. It calls
// drained each time that everything has been written, and once more at the end.
func (o *outbox) run(drained func()) {
	defer drained()
	defer o.budget.Close(&o.account)
	for {
		o.mu.Lock()
		lines, closed := o.waiting, o.closed
		o.waiting = nil
		o.mu.Unlock()
		if len(lines) == 0 {
			if closed {
				return
			}
			drained()
			<-o.wake
			continue
		}
		size := 0
		for _, line := range lines {
			size += cost(line)
		}
		err := o.write(lines)
		o.budget.Sub(&o.account, int64(size))
		if err != nil {
			o.Drop(tooSlow)
			return
		}
	}
}
