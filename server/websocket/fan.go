// The fan-out: what waits in many queues leaves from a few goroutines.

package websocket

import (
	"runtime"
	"sync"
)

// fan is the connections whose queues wait to be sent, and the goroutines that send
// them: as many as there are processors at most, none while nothing waits. One that
// finds a peer slow stays with it, and is no longer one of them.
type fan struct {
	mu      sync.Mutex
	waiting []*Conn // from next on; each connection once
	next    int
	senders int
}

// queues is one for all servers, as processors are.
var queues fan

// perSender is how many connections wait before another sender begins.
const perSender = 256

func (f *fan) add(c *Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.next > len(f.waiting)/2 {
		rest := copy(f.waiting, f.waiting[f.next:])
		clear(f.waiting[rest:])
		f.waiting, f.next = f.waiting[:rest], 0
	}
	f.waiting = append(f.waiting, c)
	f.begin()
}

// begin starts a sender if one is missing; f.mu is held.
func (f *fan) begin() {
	n := len(f.waiting) - f.next
	if n > perSender*f.senders && f.senders < runtime.GOMAXPROCS(0) {
		f.senders++
		go f.send()
	}
}

// send serves one connection after the other until none waits.
func (f *fan) send() {
	for {
		c := f.take()
		if c == nil || c.sendQueued() {
			return
		}
	}
}

// take is the connection that waits for the longest; without one a sender ends.
func (f *fan) take() *Conn {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.next == len(f.waiting) {
		f.waiting, f.next = f.waiting[:0], 0
		f.senders--
		return nil
	}
	c := f.waiting[f.next]
	f.waiting[f.next] = nil
	f.next++
	return c
}

// leave lets another sender go on while this one waits for a peer.
func (f *fan) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.senders--
	f.begin()
}

// sendQueued sends what waits in the queue, and stays with it if the peer is slow.
func (c *Conn) sendQueued() (stayed bool) {
	if !c.in.socket.direct() || !c.writing.TryLock() {
		go c.drain()
		return false
	}
	if c.inMessage {
		c.writing.Unlock()
		go c.drain()
		return false
	}
	c.fanning = true
	c.sendBatch()
	stayed = !c.fanning
	c.fanning = false
	c.writing.Unlock()
	switch {
	case stayed:
		c.drain()
	case c.queue.Load().more():
		queues.add(c)
	}
	return stayed
}
