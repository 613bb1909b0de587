//go:build linux

// A network between peers and the server, which can fail.

package soak

import (
	"io"
	"net"
	"sync/atomic"
)

// relay is a network between peers and the server, until it fails.
type relay struct {
	net.Listener
	gone atomic.Bool // what comes is thrown away, and no end is passed on
}

func (a *assault) relay() (*relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a.keep(l)
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
			a.keep(peer)
			go r.pass(peer, server)
			go r.pass(server, peer)
		}
	}()
	return r, nil
}

// pass copies until the network fails. Then nothing is read any more, so that what
// the server sends is soon not acknowledged either.
func (r *relay) pass(to, from net.Conn) {
	b := make([]byte, 4<<10)
	for {
		n, err := from.Read(b)
		if r.gone.Load() {
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

// throughRelay opens WebSockets by way of a relay.
func (a *assault) throughRelay(r *relay, n int) (peers []*wire) {
	for range n {
		w, err := connect(a.ctx, r.Addr().String(), 0)
		if err != nil {
			a.fail("connect to the relay: %v", err)
			return peers
		}
		a.keep(w)
		io.WriteString(w, handshake("/ws/echo?relay", ""))
		if got := w.status(patience); got != "101" {
			a.fail("handshake by way of the relay: %s", got)
			return peers
		}
		peers = append(peers, w)
	}
	return peers
}
