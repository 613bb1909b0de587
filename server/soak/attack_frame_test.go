//go:build linux

// Attacks with frames: unfinished, illegal, or more control frames than anybody needs.

package soak

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"framescope/protocol"
)

// Time limits of frames.
const (
	frameTime = 30 * time.Second // for a frame to arrive
	closeTime = 3 * time.Second  // for a close handshake
)

func frameAttacks() []attack {
	return []attack{
		{name: "unfinished frames", limit: "a frame's arrival: 30 s, and 1 s more for each 16 KiB", run: unfinishedFrames, wait: frameTime},
		{name: "illegal frames of every kind", limit: "close 1002, 1007, 1009", run: illegalFrames, flood: true},
		{name: "close frames that are never answered", limit: "close handshake: 3 s", run: unansweredCloses, wait: closeTime + time.Second},
		{name: "pings whose pongs are never read", limit: "a peer that does not read: 10 s a write", run: unreadPongs, wait: stallTime},
		{name: "10,000 pings between two fragments", limit: "none: echoed", run: readPongs, flood: true},
	}
}

// unfinishedFrames sends half a header, a header, or a payload byte now and then.
func unfinishedFrames(a *attackRun) {
	a.each(a.n(20, 500), func(i int) string {
		p, err := a.upgrade("/ws/echo", "")
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		stop := make(chan struct{})
		defer close(stop)
		switch i % 3 {
		case 0:
			p.Write([]byte{text})
		case 1:
			p.Write(header(text, 64<<10))
		case 2:
			p.Write(header(text, 64<<10))
			go writeSlowly(p, string(make([]byte, 1000)), stop)
		}
		return p.awaitClose(a.within(frameTime + 4*time.Second))
	})
	a.want("1008")
}

// illegal is a sequence of frames of which the last breaks a rule.
type illegal struct {
	rule   protocol.Rule
	frames []byte
}

// illegals returns one for each rule that a client can break and be closed for.
func illegals() []illegal {
	unmasked := protocol.AppendHeader(nil, protocol.Header{Fin: true, Opcode: protocol.OpText, PayloadLength: 2})
	fragment := frame(byte(protocol.OpText), []byte("a"))
	compressed := frame(rsv1|byte(protocol.OpText), deflated([]byte("hello")))
	closing := fin | byte(protocol.OpClose)
	return []illegal{
		{protocol.RuleRSVUnexpected, frame(text|0x20, nil)},
		{protocol.RuleDeflateRSV1Continuation, slices.Concat(compressed, frame(fin|rsv1, nil))},
		{protocol.RuleOpcodeReserved, frame(fin|0x3, nil)},
		{protocol.RuleControlTooLong, frame(ping, make([]byte, 126))},
		{protocol.RuleControlFragmented, frame(byte(protocol.OpPing), nil)},
		{protocol.RuleClientUnmasked, append(unmasked, "no"...)},
		{protocol.RuleLengthNotMinimal, []byte{text, 0x80 | 126, 0, 5, 0, 0, 0, 0, 'h', 'e', 'l', 'l', 'o'}},
		{protocol.RuleLengthHighBit, []byte{blob, 0x80 | 127, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
		{protocol.RuleContinuationUnexpected, frame(fin, []byte("a"))},
		{protocol.RuleContinuationExpected, slices.Concat(fragment, frame(text, nil))},
		{protocol.RuleMessageTooBig, header(blob, 16*mib+1)},
		{protocol.RuleDeflateCorrupt, frame(rsv1|blob, []byte{0xff, 0xff, 0xff})},
		{protocol.RuleUTF8Invalid, frame(text, []byte("\xed\xa0\x80"))},
		{protocol.RuleCloseLengthOne, frame(closing, []byte{3})},
		{protocol.RuleCloseCodeInvalid, frame(closing, []byte{0x03, 0xed})},
		{protocol.RuleCloseReasonUTF8, frame(closing, []byte{0x03, 0xe8, 0xff})},
	}
}

// TestEveryRuleIsBroken checks that illegals has every rule but two: only a server can
// send masked frames wrongly, and nothing is read after a close frame.
func TestEveryRuleIsBroken(t *testing.T) {
	for rule := range protocol.RuleCount {
		of := func(i illegal) bool { return i.rule == rule }
		if rule != protocol.RuleServerMasked && rule != protocol.RuleFrameAfterClose && !slices.ContainsFunc(illegals(), of) {
			t.Errorf("no attack breaks %v", rule)
		}
	}
}

// illegalFrames breaks every rule, each on a connection of its own.
func illegalFrames(a *attackRun) {
	all := illegals()
	a.repeat(a.n(4, 16), func(i int) string {
		p, err := a.upgrade("/ws/echo", offerDeflate)
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		bad := all[i%len(all)]
		p.Write(bad.frames)
		want := strconv.Itoa(int(bad.rule.CloseCode()))
		if got := p.awaitClose(a.within(5 * time.Second)); got != want {
			return fmt.Sprintf("%s for %v, not %s", got, bad.rule, want)
		}
		return want
	})
	a.want("1002", "1007", "1009")
}

// unansweredCloses makes the server close and goes on as if it had not, or stays silent.
func unansweredCloses(a *attackRun) {
	a.each(a.n(20, 300), func(i int) string {
		p, err := a.upgrade("/ws/echo", "")
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		p.Write(frame(fin|0x3, nil))
		// The server has closed its half. It has closed the other when it answers with a reset.
		for begun := time.Now(); p.state() != tcpClosed; {
			if time.Since(begun) > a.within(closeTime+time.Second) {
				return stillOpen
			}
			if i%2 == 0 {
				p.Write(frame(ping, nil))
			}
			pause(a.ctx, 100*time.Millisecond)
			if i%2 == 1 && time.Since(begun) > closeTime+2*time.Second {
				p.Write(frame(ping, nil))
			}
		}
		return dropped
	})
	a.want(dropped, resetTCP)
}

// unreadPongs sends pings and reads no pong.
func unreadPongs(a *attackRun) {
	flood := bytes.Repeat(frame(ping, make([]byte, 125)), 500)
	a.each(a.n(4, 50), func(int) string {
		p, err := a.upgradeWith(smallBuffer, "/ws/echo", "")
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		return a.floodUntilDropped(p, flood)
	})
	a.want(dropped, resetTCP)
}

// readPongs sends ten thousand pings between the fragments of a message.
func readPongs(a *attackRun) {
	const pings = 10_000
	flood := bytes.Repeat(frame(ping, []byte("again")), 100)
	a.repeat(a.n(2, 8), func(int) string {
		p, err := a.upgrade("/ws/echo", "")
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		go func() {
			p.Write(frame(byte(protocol.OpText), []byte("be")))
			for range pings / 100 {
				p.Write(flood)
			}
			p.Write(frame(ping, []byte("last")))
			p.Write(frame(fin, []byte("gun")))
		}()
		return p.pongsAndEcho(patience)
	})
	a.want("last pong and echo")
}

// pongsAndEcho reads pongs, of which the last must answer the last ping, and the echo.
func (p *peer) pongsAndEcho(within time.Duration) string {
	p.SetReadDeadline(time.Now().Add(within))
	last := ""
	for {
		h, payload, err := p.readFrame()
		switch {
		case err != nil:
			return outcome(err)
		case h.Opcode == protocol.OpPong:
			last = string(payload)
		case h.Opcode == protocol.OpText && last == "last" && string(payload) == "begun":
			return "last pong and echo"
		default:
			return fmt.Sprintf("%v frame %.40q after pong %q", h.Opcode, payload, last)
		}
	}
}

// floodUntilDropped writes until the server takes no more, and waits until it ends the
// connection.
func (a *attackRun) floodUntilDropped(p *peer, flood []byte) string {
	stop := context.AfterFunc(a.ctx, func() { p.Close() })
	defer stop()
	// A server that reads on, and drops what it would answer, is as good: RSS tells.
	if _, err := p.writeUntilBlocked(flood, blockedTime); err != nil {
		return outcome(err)
	}
	return p.awaitDrop(a.ctx, a.within(stallTime))
}
