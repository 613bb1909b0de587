//go:build linux

// Opening an attack's connections. All are closed when the attack ends.

package soak

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// connect opens a TCP connection to the server.
func (a *attackRun) connect() (*peer, error) { return a.connectWith(0) }

// connectWith also sets the size of the receive buffer, unless it is 0.
func (a *attackRun) connectWith(receive int) (*peer, error) {
	p, err := connect(a.ctx, a.server.addr, receive)
	if err != nil {
		return nil, err
	}
	a.track(p)
	return p, nil
}

// track lets closeAll close c.
func (a *attackRun) track(c io.Closer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tracked[c] = struct{}{}
}

// release closes c before the attack ends.
func (a *attackRun) release(c io.Closer) {
	a.mu.Lock()
	delete(a.tracked, c)
	a.mu.Unlock()
	c.Close()
}

// closeAll closes everything that is tracked.
func (a *attackRun) closeAll() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for c := range a.tracked {
		c.Close()
	}
	clear(a.tracked)
}

// view opens the feed of the capture.
func (a *attackRun) view() (*viewer, error) {
	v, err := view(a.server)
	if err != nil {
		return nil, err
	}
	a.track(v)
	return v, nil
}

// smallBuffer is the receive buffer in bytes of a peer that does not read, so that the
// server is soon blocked.
const smallBuffer = 4 << 10

// upgrade opens a WebSocket. Each of the request's further fields ends with CR LF.
func (a *attackRun) upgrade(path, fields string) (*peer, error) {
	return a.upgradeWith(0, path, fields)
}

// upgradeWith also sets the size of the receive buffer, unless it is 0.
func (a *attackRun) upgradeWith(receive int, path, fields string) (*peer, error) {
	p, err := a.connectWith(receive)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(p, handshake(path, fields)); err != nil {
		return nil, err
	}
	if got := p.status(patience); got != "101" {
		return nil, fmt.Errorf("handshake answered with %s, want 101", got)
	}
	if p.r.Buffered() == 0 {
		p.r = nil // thousands of these would take much memory
	}
	p.SetReadDeadline(time.Time{})
	return p, nil
}

// open opens n WebSockets. It returns those that succeeded, and records the others as
// failures.
func (a *attackRun) open(n, receive int, path, fields string) []*peer {
	var mu sync.Mutex
	var all []*peer
	a.openEach(n, receive, path, fields, func(p *peer) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, p)
	})
	return all
}

// openEach is open for peers that act as soon as they are open. It calls opened from
// several goroutines.
func (a *attackRun) openEach(n, receive int, path, fields string, opened func(p *peer)) {
	var opening sync.WaitGroup
	for worker := range cap(dialing) {
		opening.Go(func() {
			for i := worker; i < n; i += cap(dialing) {
				p, err := a.upgradeWith(receive, path, fields)
				if err != nil {
					a.fail("open %s: %v", path, err)
					return
				}
				opened(p)
			}
		})
	}
	opening.Wait()
}
