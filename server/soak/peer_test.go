//go:build linux

// How an attack opens its connections, all of which are closed when it ends.

package soak

import (
	"io"
	"sync"
	"time"
)

// connect opens TCP for a peer, which is closed at the latest when the attack ends.
func (a *assault) connect() (*wire, error) { return a.connectWith(0) }

// connectWith asks for a small receive buffer too, so that a peer that does not read
// stops the server soon.
func (a *assault) connectWith(receive int) (*wire, error) {
	w, err := connect(a.ctx, a.server.addr, receive)
	if err != nil {
		return nil, err
	}
	a.keep(w)
	return w, nil
}

// keep closes c when the attack ends.
func (a *assault) keep(c io.Closer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.held[c] = struct{}{}
}

// leave closes a connection that the attack has no more use for.
func (a *assault) leave(c io.Closer) {
	a.mu.Lock()
	delete(a.held, c)
	a.mu.Unlock()
	c.Close()
}

// over closes everything that the attack has opened.
func (a *assault) over() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for c := range a.held {
		c.Close()
	}
	clear(a.held)
}

// view opens the capture's feed for a peer.
func (a *assault) view() (*viewer, error) {
	v, err := view(a.server)
	if err != nil {
		return nil, err
	}
	a.keep(v)
	return v, nil
}

// smallBuffer is a receive buffer in bytes that is full soon.
const smallBuffer = 4 << 10

// upgrade opens a WebSocket: the handshake must succeed.
func (a *assault) upgrade(path, fields string) (*wire, error) { return a.upgradeWith(0, path, fields) }

func (a *assault) upgradeWith(receive int, path, fields string) (*wire, error) {
	w, err := a.connectWith(receive)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(w, handshake(path, fields)); err != nil {
		return nil, err
	}
	if got := w.status(patience); got != "101" {
		return nil, expect("handshake", got, "101")
	}
	if w.r.Buffered() == 0 {
		w.r = nil // a buffer for each of thousands is much
	}
	w.SetReadDeadline(time.Time{})
	return w, nil
}

// open is upgrade for n peers, those that succeeded; one that did not is a failure.
func (a *assault) open(n, receive int, path, fields string) []*wire {
	var mu sync.Mutex
	var all []*wire
	var opening sync.WaitGroup
	for worker := range cap(dialing) {
		opening.Go(func() {
			for i := worker; i < n; i += cap(dialing) {
				w, err := a.upgradeWith(receive, path, fields)
				if err != nil {
					a.fail("open %s: %v", path, err)
					return
				}
				mu.Lock()
				all = append(all, w)
				mu.Unlock()
			}
		})
	}
	opening.Wait()
	return all
}
