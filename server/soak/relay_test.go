//go:build linux

// A relay between peers and the server, which can stop as a network does that fails.

package soak

import (
	"io"
	"net"
	"sync/atomic"
)

// relay passes bytes between peers and the server.
type relay struct {
	net.Listener
	failed atomic.Bool // it passes nothing any more, not even the end of a connection
}

// relay starts a relay.
func (a *attackRun) relay() (*relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a.track(l)
	r := &relay{Listener: l}
	go func() {
		for {
			peer, err := l.Accept()
			if err != nil {
				return
			}
			server, err := a.connectWith(smallBuffer)
			if err != nil {
				peer.Close()
				return
			}
			a.track(peer)
			go r.copyUntilFailure(peer, server)
			go r.copyUntilFailure(server, peer)
		}
	}()
	return r, nil
}

// copyUntilFailure copies until the relay fails. Then it reads no more, so that nothing that the
// server sends is acknowledged once the buffers are full.
func (r *relay) copyUntilFailure(to, from net.Conn) {
	b := make([]byte, 4<<10)
	for {
		n, err := from.Read(b)
		if r.failed.Load() {
			return
		}
		if err != nil {
			to.Close()
			return
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

// throughRelay opens n WebSockets through a relay.
func (a *attackRun) throughRelay(r *relay, n int) (peers []*peer) {
	for range n {
		p, err := connect(a.ctx, r.Addr().String(), 0)
		if err != nil {
			a.fail("connect to the relay: %v", err)
			return peers
		}
		a.track(p)
		io.WriteString(p, handshake("/ws/echo?relay", ""))
		if got := p.status(patience); got != "101" {
			a.fail("handshake through the relay: %s", got)
			return peers
		}
		peers = append(peers, p)
	}
	return peers
}
