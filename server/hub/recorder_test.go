// A receiver that records its calls, and waits for them.

package hub_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"framescope/server/hub"
)

// recorder keeps what it was called with, by peer.
type recorder struct {
	self   string
	states []string // what it sends as its state

	mu      sync.Mutex
	changed chan struct{} // closed and replaced with each call
	calls   map[hub.Peer][]string
	lost    uint64
	block   chan struct{} // Received waits until it is closed, unless it is nil
	busy    map[hub.Peer]bool
	overlap bool // two calls for one peer came at the same time
}

func newRecorder(self string, states ...string) *recorder {
	return &recorder{self: self, states: states, changed: make(chan struct{}), calls: map[hub.Peer][]string{}, busy: map[hub.Peer]bool{}}
}

// record notes a call, and runs rest while the peer counts as busy.
func (r *recorder) record(peer hub.Peer, call string, rest func()) {
	r.mu.Lock()
	if r.busy[peer] {
		r.overlap = true
	}
	r.busy[peer] = true
	r.calls[peer] = append(r.calls[peer], call)
	close(r.changed)
	r.changed = make(chan struct{})
	r.mu.Unlock()
	rest()
	r.mu.Lock()
	r.busy[peer] = false
	r.mu.Unlock()
}

func (r *recorder) PeerJoined(p hub.Peer, send func([]byte)) {
	r.record(p, "joined", func() {
		for _, s := range r.states {
			send([]byte(s))
		}
	})
}

func (r *recorder) Received(p hub.Peer, message []byte) {
	r.record(p, string(message), func() {
		r.mu.Lock()
		block := r.block
		r.mu.Unlock()
		if block != nil {
			<-block
		}
	})
}

func (r *recorder) PeerLeft(p hub.Peer, why error) { r.record(p, "left", func() {}) }

func (r *recorder) Lost(p hub.Peer, n uint64) {
	r.mu.Lock()
	r.lost += n
	r.mu.Unlock()
	r.record(p, fmt.Sprintf("lost %d", n), func() {})
}

func (r *recorder) lostSoFar() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost
}

func (r *recorder) hasReceived(p hub.Peer, message string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Contains(r.calls[p], message)
}

// wait waits for a call, for so long at most.
func (r *recorder) wait(most time.Duration) {
	r.mu.Lock()
	changed := r.changed
	r.mu.Unlock()
	select {
	case <-changed:
	case <-time.After(most):
	}
}

// until waits until the calls for a peer satisfy a condition.
func (r *recorder) until(t *testing.T, p hub.Peer, what string, is func([]string) bool) []string {
	t.Helper()
	patience := time.After(10 * time.Second)
	for {
		r.mu.Lock()
		calls, changed := slices.Clone(r.calls[p]), r.changed
		r.mu.Unlock()
		if is(calls) {
			return calls
		}
		select {
		case <-changed:
		case <-patience:
			t.Fatalf("%s waits for %.200s of %s, has %d calls, the last are %.40q", r.self, what, p, len(calls), calls[max(0, len(calls)-20):])
		}
	}
}

// untilCalls waits for exactly these calls, in this order.
func (r *recorder) untilCalls(t *testing.T, p hub.Peer, want ...string) {
	t.Helper()
	calls := r.until(t, p, strings.Join(want, ", "), func(calls []string) bool { return len(calls) >= len(want) })
	if !slices.Equal(calls, want) {
		t.Fatalf("%s got from %s %q, want %q", r.self, p, calls, want)
	}
}

// untilLast waits until the last call is this one.
func (r *recorder) untilLast(t *testing.T, p hub.Peer, want string) []string {
	t.Helper()
	return r.until(t, p, want, func(calls []string) bool { return len(calls) > 0 && calls[len(calls)-1] == want })
}

func (r *recorder) check(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.overlap {
		t.Errorf("%s was called twice at once for one peer", r.self)
	}
}
