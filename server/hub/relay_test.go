// A relay between instances and the broker, which can be made to stand still.

package hub_test

import (
	"io"
	"net"
	"sync"
	"testing"
)

// relay passes bytes on in both directions until it is frozen or ended.
type relay struct {
	addr     string
	listener net.Listener
	running  sync.WaitGroup

	mu     sync.Mutex
	moving sync.Cond
	frozen bool
	ended  bool
	conns  []net.Conn
}

func startRelay(t *testing.T, to string) *relay { return startRelayAt(t, "127.0.0.1:0", to) }

func startRelayAt(t *testing.T, addr, to string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{addr: l.Addr().String(), listener: l}
	r.moving.L = &r.mu
	r.running.Go(func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return // it was closed
			}
			there, err := net.Dial("tcp", to)
			if err != nil {
				_ = from.Close()
				continue
			}
			r.mu.Lock()
			r.conns = append(r.conns, from, there)
			r.mu.Unlock()
			r.running.Go(func() { r.pass(from, there) })
			r.running.Go(func() { r.pass(there, from) })
		}
	})
	t.Cleanup(r.end)
	return r
}

func (r *relay) pass(from, to net.Conn) {
	defer to.Close()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if !r.wait() || err != nil {
			return
		}
		if _, err := to.Write(b[:n]); err != nil {
			_, _ = io.Copy(io.Discard, from)
			return
		}
	}
}

// wait waits while the relay is frozen. It reports false once it has ended.
func (r *relay) wait() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.frozen && !r.ended {
		r.moving.Wait()
	}
	return !r.ended
}

// freeze stops all bytes. The connections stay open.
func (r *relay) freeze() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.frozen = true
}

func (r *relay) thaw() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.frozen = false
	r.moving.Broadcast()
}

func (r *relay) end() {
	r.mu.Lock()
	r.ended = true
	_ = r.listener.Close() // perhaps for the second time
	for _, c := range r.conns {
		_ = c.Close()
	}
	r.moving.Broadcast()
	r.mu.Unlock()
	r.running.Wait()
}
