//go:build linux

// Failures of the network, and peers that do not end TCP in order.

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
		{name: "packets that vanish while the server writes", limit: "10 s a write, 30 s a frame", run: vanishing, wait: frameTime + 5*time.Second},
		{name: "packets that vanish on idle connections", limit: "silence: 60 s, then a ping, then 30 s", run: vanishingIdle, wait: idleTime + pongTime + 2*time.Second, fullOnly: true},
		{name: "half-closed TCP", limit: "none: the connection ends", run: halves, flood: true},
		{name: "resets in the middle", limit: "none: the connection ends", run: resets, flood: true},
		{name: "connections opened and closed at rate", limit: "none: all served", run: churn, flood: true},
	}
}

// vanishing lets the relay fail while the server waits to write echoes. That the server
// has ended the connections is seen in the capture.
func vanishing(a *attackRun) {
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
	for _, p := range peers {
		// Longer than usual: the relay takes part of the same CPU.
		stalling.Go(func() { p.writeUntilBlocked(flood, 4*blockedTime) })
	}
	stalling.Wait()
	begun := time.Now()
	r.failed.Store(true)
	// A server whose last write still fits waits for the rest of a frame instead.
	end := gone(n, a.within(frameTime+4*time.Second))
	a.record(end, time.Since(begun))
	a.want("all have ended")
}

// vanishingIdle lets the relay fail while nothing is sent.
func vanishingIdle(a *attackRun) {
	r, err := a.relay()
	if err != nil {
		a.fail("relay: %v", err)
		return
	}
	n := a.n(6, 1000)
	gone := a.follow("/ws/echo?relay")
	a.throughRelay(r, n)
	begun := time.Now()
	r.failed.Store(true)
	end := gone(n, a.within(idleTime+pongTime+time.Second))
	a.record(end, time.Since(begun))
	a.want("all have ended")
}

// halves closes the peer's half of TCP in the handshake, after it, or in a frame, and waits
// for the server to close the other half.
func halves(a *attackRun) {
	a.repeat(a.n(4, 16), func(i int) string {
		p, err := a.connect()
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		request := handshake("/ws/echo", "")
		if i%3 == 0 {
			request = request[:len(request)/2]
		}
		io.WriteString(p, request)
		if i%3 > 0 {
			if got := p.status(patience); got != "101" {
				return got
			}
		}
		if i%3 == 2 {
			p.Write(header(text, 100))
		}
		p.CloseWrite()
		end := p.awaitClose(a.within(5 * time.Second))
		if i%3 == 0 && end != stillOpen {
			return closedTCP // perhaps after an answer
		}
		return end
	})
	a.want(closedTCP, resetTCP)
}

// resets resets TCP in the handshake, after it, in a frame, in a message, in an echo.
func resets(a *attackRun) {
	parts := []string{
		handshake("/ws/echo", "")[:40],
		handshake("/ws/echo", ""),
		handshake("/ws/echo", "") + string(header(text, 1000)),
		handshake("/ws/echo", "") + string(frame(byte(protocol.OpText), []byte("part"))),
		handshake("/ws/echo", "") + string(frame(blob, make([]byte, 1*mib))),
		handshake("/ws/chat?room=resets", ""),
		handshake("/ws/inspect", offerFeed),
	}
	a.repeat(a.n(4, 16), func(i int) string {
		p, err := a.connect()
		if err != nil {
			return err.Error()
		}
		io.WriteString(p, parts[i%len(parts)])
		if i%3 > 0 {
			pause(context.Background(), time.Duration(i%3)*time.Millisecond)
		}
		p.reset()
		a.release(p)
		return "reset by the peer"
	})
	a.want("reset by the peer")
}

// churn connects, exchanges a message and ends the connection in one of three ways. In the
// end the capture must show none of the connections as open.
func churn(a *attackRun) {
	gone := a.follow("/ws/echo?churn")
	a.repeat(a.n(4, 32), func(i int) string {
		p, err := a.upgrade("/ws/echo?churn", "")
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		p.Write(frame(text, []byte("hello")))
		if got := p.expectEcho([]byte("hello")); got != "echoed" {
			return got
		}
		switch i % 3 {
		case 0:
			p.Write(frame(fin|byte(protocol.OpClose), []byte{0x03, 0xe8}))
			if got := p.awaitClose(patience); got != "1000" {
				return "closed with " + got
			}
		case 1:
			p.reset()
		}
		return "served"
	})
	a.note("%.0f a second", float64(a.count("served"))/a.scale.flood.Seconds())
	a.want("served")
	if end := gone(a.count("served"), a.within(5*time.Second)); end != "all have ended" {
		a.fail("in the capture, after the last connection: %s", end)
	}
}
