//go:build linux

// SIGTERM in each phase of a connection: all is closed with 1001, in time, with exit 0.

package soak

import (
	"io"
	"sync"
	"syscall"
	"time"

	"framescope/protocol"
)

func endAttacks() []attack {
	end := func(name string, run func(a *assault)) attack {
		return attack{name: "SIGTERM " + name, limit: endLimit, run: run, wait: 2 * time.Second, alone: true, ends: true, rss: 448 * mib}
	}
	unheard := end("with a log that nobody reads", endUnheard)
	unheard.unheard, unheard.flood = true, true
	return []attack{
		end("before the handshake", endSilent),
		end("in the handshake", endHandshakes),
		end("with thousands of connections", endIdle),
		end("in messages", endMessages),
		end("while writes wait", endWrites),
		end("with peers that never answer a close", endStubborn),
		end("with watchers", endWatchers),
		end("with a room full of members", endChat),
		end("with a handshake behind answers that are never read", endPipelined),
		unheard,
	}
}

// end sends SIGTERM, and judges how the server ends.
func (a *assault) end() {
	took, err := a.server.stop(syscall.SIGTERM)
	a.note("exit %d after %v", a.server.code, round(took))
	for _, f := range ended(a.server, took, err, a.scale) {
		a.fail("%s", f)
	}
}

// endWith ends the server while peers read how their connections end.
func (a *assault) endWith(peers []*wire, outcomes ...string) {
	var reading sync.WaitGroup
	for _, w := range peers {
		reading.Go(func() {
			begun := time.Now()
			a.happened(w.end(patience), time.Since(begun))
		})
	}
	a.end()
	reading.Wait()
	a.want(outcomes...)
}

func endSilent(a *assault) {
	var peers []*wire
	for i := range a.n(30, 1000) {
		w, err := a.connect()
		if err != nil {
			a.fail("connect: %v", err)
			return
		}
		if i%2 == 0 {
			io.WriteString(w, handshake("/ws/echo", "")[:30])
		}
		peers = append(peers, w)
	}
	var reading sync.WaitGroup
	for _, w := range peers {
		reading.Go(func() { a.happened(w.hangUp(patience), 0) })
	}
	a.end()
	reading.Wait()
	a.want(closedTCP, resetTCP)
}

// endHandshakes: handshakes go on while the server ends: each is served and closed with
// 1001, or refused.
func endHandshakes(a *assault) {
	var shaking sync.WaitGroup
	stop := make(chan struct{})
	for range a.n(8, 32) {
		shaking.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				begun := time.Now()
				a.happened(a.shakeAndEnd(), time.Since(begun))
			}
		})
	}
	pause(a.ctx, sampleTime)
	a.end()
	close(stop)
	shaking.Wait()
	a.want("served", "1001", "not served")
}

// shakeAndEnd exchanges a message if the server still accepts connections.
func (a *assault) shakeAndEnd() string {
	w, err := a.connect()
	if err != nil {
		return "not served"
	}
	defer a.leave(w)
	io.WriteString(w, handshake("/ws/echo", ""))
	switch got := w.status(patience); got {
	case "101":
	case "503", closedTCP, resetTCP:
		return "not served"
	default:
		return got
	}
	w.Write(frame(text, []byte("x")))
	h, payload, err := w.next()
	switch {
	case err != nil:
		return "ended without a close frame: " + outcome(err)
	case h.Opcode == protocol.OpClose:
		code, _, _ := protocol.ParseClosePayload(payload)
		return code.String()[:4]
	}
	return "served"
}

func endIdle(a *assault) {
	a.endWith(a.open(a.n(300, 18_000), 0, "/ws/echo", ""), "1001")
}

func endMessages(a *assault) {
	parts := []string{
		string(header(text, 1000)),
		string(frame(byte(protocol.OpText), []byte("a fragment"))),
		string(frame(rsv1|byte(protocol.OpText), unfinished(deflated([]byte("a fragment"))))),
		string(header(blob, 1000)[:3]),
	}
	peers := a.open(a.n(30, 1000), 0, "/ws/echo", offerDeflate)
	for i, w := range peers {
		io.WriteString(w, parts[i%len(parts)])
	}
	pause(a.ctx, sampleTime)
	a.endWith(peers, "1001")
}

// endWrites: peers have stopped to read, and the server waits to write to them. They
// see nothing of the end but the end.
func endWrites(a *assault) {
	flood := frame(blob, make([]byte, 64<<10))
	var stalling sync.WaitGroup
	for _, w := range a.open(a.n(8, 100), smallBuffer, "/ws/echo", "") {
		stalling.Go(func() { w.stall(flood, 256*mib) })
	}
	stalling.Wait()
	a.end()
}

// endStubborn: peers read the close frame, and neither answer it nor close TCP.
func endStubborn(a *assault) {
	a.open(a.n(30, 1000), 0, "/ws/echo", "")
	a.end()
}

func endWatchers(a *assault) {
	watchers := a.open(a.n(8, maxWatchers), 0, "/ws/inspect", offerFeed)
	stop := make(chan struct{})
	time.AfterFunc(sampleTime, func() { close(stop) })
	a.during(func() { <-stop })
	a.endWith(watchers, "1001")
}

func endChat(a *assault) {
	name := roomName()
	a.endWith(a.open(a.n(100, 2000), 0, "/ws/chat?room="+name, ""), "1001")
}

// endUnheard: the pipe of the log is full before the signal comes.
func endUnheard(a *assault) {
	unreadLog(a)
	a.endWith(a.open(a.n(30, 300), 0, "/ws/echo", ""), "1000", "1001")
}
