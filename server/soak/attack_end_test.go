//go:build linux

// SIGTERM in each phase of a connection.

package soak

import (
	"io"
	"sync"
	"syscall"
	"time"

	"framescope/protocol"
)

func endAttacks() []attack {
	end := func(name string, run func(a *attackRun)) attack {
		return attack{name: "SIGTERM " + name, limit: endLimit, run: run, wait: 2 * time.Second, alone: true, ends: true, rss: 448 * mib}
	}
	logUnread := end("with a log that nobody reads", endUnreadLog)
	logUnread.unreadLog, logUnread.flood = true, true
	return []attack{
		end("before the handshake", endSilent),
		end("in the handshake", endHandshakes),
		end("with thousands of connections", endIdle),
		end("in messages", endMessages),
		end("while writes wait", endWrites),
		end("with peers that never answer a close", endUnanswered),
		end("with watchers", endWatchers),
		end("with a room full of members", endChat),
		end("with a handshake behind answers that are never read", endPipelined),
		logUnread,
	}
}

// end sends the server SIGTERM and judges how it ends.
func (a *attackRun) end() {
	took, err := a.server.stop(syscall.SIGTERM)
	a.note("exit %d after %v", a.server.code, round(took))
	for _, f := range ended(a.server, took, err, a.scale) {
		a.fail("%s", f)
	}
}

// endWith ends the server while peers read, and fails unless all see one of the outcomes.
func (a *attackRun) endWith(peers []*peer, outcomes ...string) {
	var reading sync.WaitGroup
	for _, p := range peers {
		reading.Go(func() {
			begun := time.Now()
			a.record(p.awaitClose(patience), time.Since(begun))
		})
	}
	a.end()
	reading.Wait()
	a.want(outcomes...)
}

// endSilent ends the server while peers have sent nothing or half a head.
func endSilent(a *attackRun) {
	var peers []*peer
	for i := range a.n(30, 1000) {
		p, err := a.connect()
		if err != nil {
			a.fail("connect: %v", err)
			return
		}
		if i%2 == 0 {
			io.WriteString(p, handshake("/ws/echo", "")[:30])
		}
		peers = append(peers, p)
	}
	var reading sync.WaitGroup
	for _, p := range peers {
		reading.Go(func() { a.record(p.awaitEOF(patience), 0) })
	}
	a.end()
	reading.Wait()
	a.want(closedTCP, resetTCP)
}

// endHandshakes ends the server while peers connect. Each must be served, or closed with
// 1001, or not be accepted.
func endHandshakes(a *attackRun) {
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
				a.record(a.handshakeAndRead(), time.Since(begun))
			}
		})
	}
	pause(a.ctx, sampleTime)
	a.end()
	close(stop)
	shaking.Wait()
	a.want("served", "1001", "not served")
}

// handshakeAndRead connects and exchanges a message, if the server still accepts.
func (a *attackRun) handshakeAndRead() string {
	p, err := a.connect()
	if err != nil {
		return "not served"
	}
	defer a.release(p)
	io.WriteString(p, handshake("/ws/echo", ""))
	switch got := p.status(patience); got {
	case "101":
	case "503", closedTCP, resetTCP:
		return "not served"
	default:
		return got
	}
	p.Write(frame(text, []byte("x")))
	h, payload, err := p.readFrame()
	switch {
	case err != nil:
		return "ended without a close frame: " + outcome(err)
	case h.Opcode == protocol.OpClose:
		code, _, _ := protocol.ParseClosePayload(payload)
		return code.String()[:4]
	}
	return "served"
}

// endIdle ends the server while very many peers are idle.
func endIdle(a *attackRun) {
	a.endWith(a.open(a.n(300, 18_000), 0, "/ws/echo", ""), "1001")
}

// endMessages ends the server while peers have sent part of a frame or of a message.
func endMessages(a *attackRun) {
	parts := []string{
		string(header(text, 1000)),
		string(frame(byte(protocol.OpText), []byte("a fragment"))),
		string(frame(rsv1|byte(protocol.OpText), unfinished(deflated([]byte("a fragment"))))),
		string(header(blob, 1000)[:3]),
	}
	peers := a.open(a.n(30, 1000), 0, "/ws/echo", offerDeflate)
	for i, p := range peers {
		io.WriteString(p, parts[i%len(parts)])
	}
	pause(a.ctx, sampleTime)
	a.endWith(peers, "1001")
}

// endWrites ends the server while it waits to write to peers that do not read.
func endWrites(a *attackRun) {
	flood := frame(blob, make([]byte, 64<<10))
	var stalling sync.WaitGroup
	for _, p := range a.open(a.n(8, 100), smallBuffer, "/ws/echo", "") {
		stalling.Go(func() { p.writeUntilBlocked(flood, blockedTime) })
	}
	stalling.Wait()
	a.end()
}

// endUnanswered ends the server while peers are idle that answer no close frame.
func endUnanswered(a *attackRun) {
	a.open(a.n(30, 1000), 0, "/ws/echo", "")
	a.end()
}

// endWatchers ends the server while watchers without credit have unread batches.
func endWatchers(a *attackRun) {
	watchers := a.open(a.n(8, maxWatchers), 0, "/ws/inspect", offerFeed)
	stop := make(chan struct{})
	time.AfterFunc(sampleTime, func() { close(stop) })
	a.during(func() { <-stop })
	a.endWith(watchers, "1001")
}

// endChat ends the server while peers are in a chat room.
func endChat(a *attackRun) {
	name := roomName()
	a.endWith(a.open(a.n(100, 2000), 0, "/ws/chat?room="+name, ""), "1001")
}

// endUnreadLog ends the server after the pipe of its log is full.
func endUnreadLog(a *attackRun) {
	unreadLog(a)
	a.endWith(a.open(a.n(30, 300), 0, "/ws/echo", ""), "1000", "1001")
}
