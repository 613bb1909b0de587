//go:build linux

// Attacks with frames: too slow, too many, too small, illegal.

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

const (
	frameTime = 30 * time.Second // for a frame to arrive
	closeTime = 3 * time.Second  // for a close handshake
)

func frameAttacks() []attack {
	return []attack{
		{name: "frames that never end", limit: "a frame's arrival: 30 s, and 1 s more for each 16 KiB", run: endlessFrames, wait: frameTime},
		{name: "illegal frames of every kind", limit: "close 1002, 1007, 1009", run: illegalFrames, flood: true},
		{name: "closes that are never answered", limit: "close handshake: 3 s", run: unansweredCloses, wait: closeTime + time.Second},
		{name: "pings, pongs never read", limit: "a peer that does not read: 10 s a write", run: unreadPongs, wait: stallTime},
		{name: "pings between fragments, pongs read", limit: "none: all are answered", run: readPongs, flood: true},
	}
}

func endlessFrames(a *assault) {
	a.each(a.n(20, 500), func(i int) string {
		w, err := a.upgrade("/ws/echo", "")
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		stop := make(chan struct{})
		defer close(stop)
		switch i % 3 {
		case 0: // half a header
			w.Write([]byte{text})
		case 1: // nothing behind the header
			w.Write(header(text, 64<<10))
		case 2: // a byte now and then
			w.Write(header(text, 64<<10))
			go drip(w, string(make([]byte, 1000)), stop)
		}
		return w.end(a.within(frameTime + 4*time.Second))
	})
	a.want("1008")
}

// illegal is a frame, or more, that breaks a rule.
type illegal struct {
	rule protocol.Rule
	wire []byte
}

// illegals break every rule that a client can break and be closed for.
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

// TestEveryRuleIsBroken: none is forgotten. Who masks is judged of servers only, and
// behind a close frame nothing is read.
func TestEveryRuleIsBroken(t *testing.T) {
	for rule := range protocol.RuleCount {
		of := func(i illegal) bool { return i.rule == rule }
		if rule != protocol.RuleServerMasked && rule != protocol.RuleFrameAfterClose && !slices.ContainsFunc(illegals(), of) {
			t.Errorf("no attack breaks %v", rule)
		}
	}
}

func illegalFrames(a *assault) {
	all := illegals()
	a.again(a.n(4, 16), func(i int) string {
		w, err := a.upgrade("/ws/echo", offerDeflate)
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		bad := all[i%len(all)]
		w.Write(bad.wire)
		want := strconv.Itoa(int(bad.rule.CloseCode()))
		if got := w.end(a.within(5 * time.Second)); got != want {
			return fmt.Sprintf("%s for %v, not %s", got, bad.rule, want)
		}
		return want
	})
	a.want("1002", "1007", "1009")
}

// unansweredCloses: the server closes, and the peer goes on as if it did not know.
func unansweredCloses(a *assault) {
	a.each(a.n(20, 300), func(i int) string {
		w, err := a.upgrade("/ws/echo", "")
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		w.Write(frame(fin|0x3, nil))
		// The server's half is closed at once, which is not yet the end.
		for begun := time.Now(); w.state() != tcpClosed; {
			if time.Since(begun) > a.within(closeTime+time.Second) {
				return stillOpen
			}
			if i%2 == 0 {
				w.Write(frame(ping, nil))
			}
			pause(a.ctx, 100*time.Millisecond)
			if i%2 == 1 && time.Since(begun) > closeTime+2*time.Second {
				w.Write(frame(ping, nil)) // is answered by a reset if nobody is there
			}
		}
		return dropped
	})
	a.want(dropped, resetTCP)
}

// unreadPongs: what waits for a peer that does not read is bounded, and so is the wait.
func unreadPongs(a *assault) {
	flood := bytes.Repeat(frame(ping, make([]byte, 125)), 500)
	a.each(a.n(4, 50), func(int) string {
		w, err := a.upgradeWith(smallBuffer, "/ws/echo", "")
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		return a.stalled(w, flood)
	})
	a.want(dropped, resetTCP)
}

// readPongs: ten thousand pings between the fragments of a message.
func readPongs(a *assault) {
	const pings = 10_000
	flood := bytes.Repeat(frame(ping, []byte("again")), 100)
	a.again(a.n(2, 8), func(int) string {
		w, err := a.upgrade("/ws/echo", "")
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		go func() {
			w.Write(frame(byte(protocol.OpText), []byte("be")))
			for range pings / 100 {
				w.Write(flood)
			}
			w.Write(frame(ping, []byte("last")))
			w.Write(frame(fin, []byte("gun")))
		}()
		return w.pongsAndEcho(patience)
	})
	a.want("last pong and echo")
}

// pongsAndEcho reads pongs until the last, and the echo behind it.
func (w *wire) pongsAndEcho(within time.Duration) string {
	w.SetReadDeadline(time.Now().Add(within))
	last := ""
	for {
		h, payload, err := w.next()
		switch {
		case err != nil:
			return outcome(err)
		case h.Opcode == protocol.OpPong:
			last = string(payload)
		case h.Opcode == protocol.OpText && last == "last" && string(payload) == "begun":
			return "last pong and echo"
		default:
			return fmt.Sprintf("%v frame %.40q behind pong %q", h.Opcode, payload, last)
		}
	}
}

// stalled sends until the server takes no more, and waits until it gives the peer up.
func (a *assault) stalled(w *wire, flood []byte) string {
	stop := context.AfterFunc(a.ctx, func() { w.Close() })
	defer stop()
	took, err := w.stall(flood, 256*mib)
	if err != nil {
		return outcome(err)
	}
	if took >= 256*mib {
		return "takes all and answers nothing"
	}
	return w.dropped(a.ctx, a.within(stallTime))
}
