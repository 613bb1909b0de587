// The close handshake that our end begins, and the end of TCP without one.

package conformance

import (
	"errors"
	"strings"
	"testing"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

// closes is an endpoint that sends a message, then closes, and reports what Close does.
func closes(code protocol.CloseCode, reason string) func(*websocket.Conn) error {
	return func(c *websocket.Conn) error {
		if err := c.WriteMessage(protocol.OpText, []byte("last words")); err != nil {
			return err
		}
		return c.Close(code, reason)
	}
}

// TestOurEndCloses: after our close frame nothing more is sent, and what the other
// end sends until its own is read and not answered.
func TestOurEndCloses(t *testing.T) {
	bye := closing(protocol.CloseNormal, "")
	long := textOf(mib)
	for _, c := range []struct {
		name string
		send []frame
	}{
		{"same code", []frame{bye}},
		{"other code", []frame{closing(4000, "as you like")}},
		{"no status", []frame{closing(protocol.CloseNoStatus, "")}},
		{"messages before the answer", []frame{hello, world, hello, bye}},
		{"pings and a pong before the answer", []frame{ping(""), ping("x"), pong("y"), bye}},
		{"fragments and a ping before the answer", []frame{text("a").unfinished(), ping(""), next("b"), bye}},
		{"half a message before the answer", []frame{text("a").unfinished(), bye}},
		{"long message before the answer", []frame{long, bye}},
		{"frames behind the answer", []frame{bye, hello, ping("")}},
		{"second answer", []frame{bye, bye}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBothRoles(t, func(t *testing.T, side protocol.Side) {
				p := connect(t, setup{tested: side, app: closes(protocol.CloseNormal, "bye")})
				p.expect(text("last words"), closing(protocol.CloseNormal, "bye"))
				p.send(perFrame, c.send...)
				if err := p.expectEnd(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
		})
	}
}

// TestBreachInsteadOfAnAnswer: our close frame has been sent and there is no second.
func TestBreachInsteadOfAnAnswer(t *testing.T) {
	inBothRoles(t, func(t *testing.T, side protocol.Side) {
		for _, w := range breaches(side) {
			if w.rule == protocol.RuleMessageTooBig {
				continue // at a limit that this endpoint does not have
			}
			t.Run(w.rule.String()+" by "+w.frames[len(w.frames)-1].String(), func(t *testing.T) {
				p := connect(t, setup{tested: side, app: closes(protocol.CloseGoingAway, "")})
				p.expect(text("last words"), closing(protocol.CloseGoingAway, ""))
				p.send(whole, append(w.frames[:len(w.frames):len(w.frames)], ping(""), hello)...)
				p.expectEnd()
			})
		}
	})
}

// TestBothEndsCloseAtOnce: the close frames cross; each side sends one.
func TestBothEndsCloseAtOnce(t *testing.T) {
	inBothRoles(t, func(t *testing.T, side protocol.Side) {
		closeNow := make(chan struct{})
		p := connect(t, setup{tested: side, app: func(c *websocket.Conn) error {
			<-closeNow
			return c.Close(protocol.CloseNormal, "")
		}})
		p.send(whole, hello, closing(4321, "me first"))
		<-p.sent
		close(closeNow)
		p.expect(closing(protocol.CloseNormal, ""))
		if err := p.expectEnd(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}

// TestReasonsOfOurEnd: a reason fits into its frame, if need be cut at a character.
func TestReasonsOfOurEnd(t *testing.T) {
	for _, c := range []struct{ name, reason, want string }{
		{"none", "", ""},
		{"123 bytes", strings.Repeat("r", 123), strings.Repeat("r", 123)},
		{"124 bytes", strings.Repeat("r", 124), strings.Repeat("r", 123)},
		{"124 bytes, the last two a character", strings.Repeat("r", 122) + "µ", strings.Repeat("r", 122)},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBothRoles(t, func(t *testing.T, side protocol.Side) {
				p := connect(t, setup{tested: side, app: closes(4000, c.reason)})
				p.expect(text("last words"))
				if f, err := p.read(); err != nil || f != closing(4000, c.want) {
					t.Errorf("%v, %v, want reason %q", f, err, c.want)
				}
				p.send(whole, closing(4000, ""))
				p.expectEnd()
			})
		})
	}
}

// shortly is a limit that a test waits for.
const shortly = 50 * time.Millisecond

// TestPeerThatNeverEndsIsLeft: a peer that does not answer a close frame, or does not
// close TCP, is not waited for. The test's end keeps its socket open until then.
func TestPeerThatNeverEndsIsLeft(t *testing.T) {
	o := websocket.Options{CloseTimeout: shortly}
	for _, c := range []struct {
		name string
		app  func(*websocket.Conn) error
		send []frame
		want []frame
	}{
		{"no answer to our close", closes(1000, ""), nil, []frame{text("last words"), closing(1000, "")}},
		{"pings instead of an answer", closes(1000, ""), []frame{ping(""), hello}, []frame{text("last words"), closing(1000, "")}},
		{"half an answer", closes(1000, ""), []frame{closing(1000, "").longer(5)}, []frame{text("last words"), closing(1000, "")}},
		{"TCP stays open after our close", closes(1000, ""), []frame{closing(1000, "")}, []frame{text("last words"), closing(1000, "")}},
		{"TCP stays open after their close", nil, []frame{closing(1000, "")}, []frame{closing(1000, "")}},
		{"TCP stays open after a breach", nil, []frame{next("")}, []frame{closing(1002, "")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBothRoles(t, func(t *testing.T, side protocol.Side) {
				p := connect(t, setup{tested: side, options: o, app: c.app})
				p.send(whole, c.send...)
				p.expect(c.want...)
				select {
				case <-p.ended:
				case <-time.After(patience):
					t.Error("the endpoint still waits")
				}
			})
		})
	}
}

// TestTCPEndsWithoutAClose: RFC 6455 7.1.5 calls that 1006. Nothing is sent to
// say so, and our end closes TCP too.
func TestTCPEndsWithoutAClose(t *testing.T) {
	for _, c := range []struct {
		name string
		cut  int // bytes of the wire that are not sent
		send []frame
		want []frame
	}{
		{"at once", 0, nil, nil},
		{"after a message", 0, []frame{hello}, []frame{hello}},
		{"inside a header", 4, []frame{hello, text("")}, []frame{hello}},
		{"inside a payload", 1, []frame{hello, text("cut short")}, []frame{hello}},
		{"inside a long payload", 1000, []frame{textOf(100 * kib)}, nil},
		{"inside a ping", 1, []frame{ping("cut short")}, nil},
		{"inside a close", 1, []frame{closing(1000, "cut short")}, nil},
		{"between fragments", 0, []frame{text("a").unfinished(), ping("")}, []frame{pong("")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBothRoles(t, func(t *testing.T, side protocol.Side) {
				cut := c.cut
				if cut == 4 && side == protocol.Client {
					cut = 1 // no masking key
				}
				p := connect(t, setup{tested: side})
				wire := whole.pieces(c.send, p.side)[0]
				p.write([][]byte{wire[:len(wire)-cut]})
				p.expect(c.want...)
				<-p.sent
				p.nc.CloseWrite()
				testCase{code: protocol.CloseAbnormal}.judgeEnd(t, p.expectEnd())
			})
		})
	}
}

// TestMaskingKeysAreNotForeseen: RFC 6455 5.3 asks for a fresh one each frame.
func TestMaskingKeysAreNotForeseen(t *testing.T) {
	const many = 200
	p := connect(t, setup{tested: protocol.Client})
	keys := map[uint32]bool{}
	for range many {
		p.send(whole, text("same text"))
		p.expect(text("same text"))
		keys[p.maskingKey] = true
	}
	if len(keys) < many-1 {
		t.Errorf("%d masking keys for %d frames", len(keys), many)
	}
	p.send(whole, closing(1000, ""))
	p.expect(closing(1000, ""))
	var closed *websocket.CloseError
	if err := p.expectEnd(); !errors.As(err, &closed) {
		t.Error(err)
	}
}
