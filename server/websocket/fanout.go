// The fan-out: the queues of many connections are sent by a few goroutines.

package websocket

import (
	"runtime"
	"sync"
)

// fanout has the queues that wait to be sent, and the goroutines that send them: as many as
// there are processors at most, none while nothing waits. A goroutine that finds a peer slow stays
// with it, and another takes its place.
type fanout struct {
	mu      sync.Mutex
	waiting []queueSender // from next on; each once
	next    int
	senders int
}

// queueSender is a connection's half with a queue.
type queueSender interface {
	// sendQueued sends what is queued. It reports true if it had to wait for the peer, and
	// leave was called.
	sendQueued() (stayed bool)
}

// allQueues is shared by all servers, since the processors are, too.
var allQueues fanout

// perSender is how many connections wait before another sender begins.
const perSender = 256

func (f *fanout) add(q queueSender) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.next > len(f.waiting)/2 {
		n := copy(f.waiting, f.waiting[f.next:])
		clear(f.waiting[n:])
		f.waiting, f.next = f.waiting[:n], 0
	}
	f.waiting = append(f.waiting, q)
	f.begin()
}

// begin starts a sender if there are too few; f.mu is held.
func (f *fanout) begin() {
	n := len(f.waiting) - f.next
	if n > perSender*f.senders && f.senders < runtime.GOMAXPROCS(0) {
		f.senders++
		go f.send()
	}
}

// send serves one connection after the other until none waits.
func (f *fanout) send() {
	for {
		q := f.pop()
		if q == nil || q.sendQueued() {
			return
		}
	}
}

// pop removes the connection that has waited longest; if there is none, the sender ends.
func (f *fanout) pop() queueSender {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.next == len(f.waiting) {
		f.waiting, f.next = f.waiting[:0], 0
		f.senders--
		return nil
	}
	q := f.waiting[f.next]
	f.waiting[f.next] = nil
	f.next++
	return q
}

// leave lets another sender go on while the calling one waits for a peer.
func (f *fanout) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.senders--
	f.begin()
}
