//go:build linux

// Attacks by a network that fails: packets that vanish, halves that close, resets.

package soak

import (
	"context"
	"io"
	"sync"
	"time"

	"framescope/protocol"
)

const (
	idleTime = 60 * time.Second // of silence, and then a ping
	pongTime = 30 * time.Second // to answer it
)

func networkAttacks() []attack {
	return []attack{
		{name: "packets vanish while the server sends", limit: "a peer that does not read: 10 s a write", run: vanishing, wait: stallTime + 3*time.Second},
		{name: "packets vanish in silence", limit: "silence: 60 s, then a ping, then 30 s", run: vanishingIdle, wait: idleTime + pongTime + 2*time.Second, onlyBig: true},
		{name: "halves of TCP that close", limit: "none: the connection ends", run: halves, flood: true},
		{name: "resets in the middle", limit: "none: the connection ends", run: resets, flood: true},
		{name: "connections that come and go", limit: "none: all are served", run: churn, flood: true},
	}
}

// vanishing: the network goes while echoes are under way. What the server knows of its
// connections the capture says.
func vanishing(a *assault) {
	r, err := a.relay()
	if err != nil {
		a.fail("relay: %v", err)
		return
	}
	n := a.n(6, 200)
	gone := a.follow("/ws/echo?relay")
	flood := frame(blob, make([]byte, 64<<10))
	peers := a.throughRelay(r, n)
	var stalling sync.WaitGroup
	for _, w := range peers {
		stalling.Go(func() { w.stall(flood, 256*mib) })
	}
	stalling.Wait()
	begun := time.Now()
	r.gone.Store(true)
	end := gone(n, a.within(stallTime+time.Second))
	a.happened(end, time.Since(begun))
	a.want("all have ended")
}

func vanishingIdle(a *assault) {
	r, err := a.relay()
	if err != nil {
		a.fail("relay: %v", err)
		return
	}
	n := a.n(6, 1000)
	gone := a.follow("/ws/echo?relay")
	a.throughRelay(r, n)
	begun := time.Now()
	r.gone.Store(true)
	end := gone(n, a.within(idleTime+pongTime+time.Second))
	a.happened(end, time.Since(begun))
	a.want("all have ended")
}

// halves: the peer closes its half, at several points, and waits for the other.
func halves(a *assault) {
	a.again(a.n(4, 16), func(i int) string {
		w, err := a.connect()
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		request := handshake("/ws/echo", "")
		if i%3 == 0 {
			request = request[:len(request)/2]
		}
		io.WriteString(w, request)
		if i%3 > 0 {
			if got := w.status(patience); got != "101" {
				return got
			}
		}
		if i%3 == 2 {
			w.Write(header(text, 100))
		}
		w.CloseWrite()
		end := w.end(a.within(5 * time.Second))
		if i%3 == 0 && end != stillOpen {
			return closedTCP // with or without an answer
		}
		return end
	})
	a.want(closedTCP, resetTCP)
}

// resets: in the handshake, in a frame, in a message, in an answer.
func resets(a *assault) {
	parts := []string{
		handshake("/ws/echo", "")[:40],
		handshake("/ws/echo", ""),
		handshake("/ws/echo", "") + string(header(text, 1000)),
		handshake("/ws/echo", "") + string(frame(byte(protocol.OpText), []byte("part"))),
		handshake("/ws/echo", "") + string(frame(blob, make([]byte, 1*mib))),
		handshake("/ws/chat?room=resets", ""),
		handshake("/ws/inspect", offerFeed),
	}
	a.again(a.n(4, 16), func(i int) string {
		w, err := a.connect()
		if err != nil {
			return err.Error()
		}
		io.WriteString(w, parts[i%len(parts)])
		if i%3 > 0 {
			pause(context.Background(), time.Duration(i%3)*time.Millisecond)
		}
		w.reset()
		a.leave(w)
		return "reset by the peer"
	})
	a.want("reset by the peer")
}

// churn: connect, exchange a message, leave in one of three ways; and the capture shows
// none as open at the end.
func churn(a *assault) {
	gone := a.follow("/ws/echo?churn")
	a.again(a.n(4, 32), func(i int) string {
		w, err := a.upgrade("/ws/echo?churn", "")
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		w.Write(frame(text, []byte("hello")))
		if got := w.echo([]byte("hello")); got != "echoed" {
			return got
		}
		switch i % 3 {
		case 0:
			w.Write(frame(fin|byte(protocol.OpClose), []byte{0x03, 0xe8}))
			if got := w.end(patience); got != "1000" {
				return "closed with " + got
			}
		case 1:
			w.reset()
		}
		return "served"
	})
	a.note("%.0f a second", float64(a.count("served"))/a.scale.flood.Seconds())
	a.want("served")
	if end := gone(a.count("served"), a.within(5*time.Second)); end != "all have ended" {
		a.fail("when all have gone: %s", end)
	}
}
