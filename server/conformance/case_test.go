// What a case is made of: frames, exchanges of frames, and how bytes are cut.

package conformance

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"framescope/protocol"
	"framescope/server/websocket"
)

// frame is a frame to be sent, legal or not, or one that must come back.
type frame struct {
	op      protocol.Opcode
	open    bool // FIN is clear
	rsv     uint8
	payload string

	declared    uint64 // payload length in the header if it is not that of payload; the remainder is never sent
	lengthBytes uint8  // bytes of extended length, when more than needed
	wrongMask   bool   // masked by a server, or not by a client
}

func text(p string) frame   { return frame{op: protocol.OpText, payload: p} }
func binary(p string) frame { return frame{op: protocol.OpBinary, payload: p} }
func next(p string) frame   { return frame{op: protocol.OpContinuation, payload: p} }
func ping(p string) frame   { return frame{op: protocol.OpPing, payload: p} }
func pong(p string) frame   { return frame{op: protocol.OpPong, payload: p} }

// closing is a close frame; CloseNoStatus gives it no payload.
func closing(code protocol.CloseCode, reason string) frame {
	if code == protocol.CloseNoStatus {
		return closeWith("")
	}
	return closeWith(coded(code) + reason)
}

// closeWith is a close frame with a payload that may be wrong.
func closeWith(payload string) frame { return frame{op: protocol.OpClose, payload: payload} }

// coded is a close code as it stands in a payload.
func coded(code protocol.CloseCode) string { return string([]byte{byte(code >> 8), byte(code)}) }

// unfinished is the frame with FIN clear.
func (f frame) unfinished() frame {
	f.open = true
	return f
}

func (f frame) withRSV(bits uint8) frame {
	f.rsv = bits
	return f
}

// longer is a frame of which n bytes more are announced and never sent.
func (f frame) longer(n int) frame {
	f.declared = uint64(len(f.payload) + n)
	return f
}

// bytes is the frame as side sends it.
func (f frame) bytes(side protocol.Side, maskingKey uint32) []byte {
	h := protocol.Header{
		Fin: !f.open, RSV: f.rsv, Opcode: f.op, Masked: (side == protocol.Client) != f.wrongMask,
		PayloadLength: uint64(len(f.payload)), LengthBytes: f.lengthBytes,
	}
	if f.declared != 0 {
		h.PayloadLength = f.declared
	}
	if h.Masked {
		h.MaskingKey = maskingKey
	}
	b := protocol.AppendHeader(make([]byte, 0, h.Size()+len(f.payload)), h)
	start := len(b)
	b = append(b, f.payload...)
	if h.Masked {
		for i := range b[start:] {
			b[start+i] ^= byte(maskingKey >> (24 - 8*(i&3)))
		}
	}
	return b
}

func (f frame) String() string {
	s := f.op.String()
	if f.open {
		s += " without FIN"
	}
	if f.rsv != 0 {
		s += fmt.Sprintf(" with RSV %03b", f.rsv)
	}
	if f.op == protocol.OpClose {
		code, reason, _ := protocol.ParseClosePayload([]byte(f.payload))
		return fmt.Sprintf("%s %v %q", s, code, reason)
	}
	if len(f.payload) > 40 {
		return fmt.Sprintf("%s of %d bytes, %q…", s, len(f.payload), f.payload[:40])
	}
	return fmt.Sprintf("%s %q", s, f.payload)
}

// answers reports whether f is what want asks for. Of a close frame the code
// counts; the reason is the endpoint's to choose, as long as it is text.
func (f frame) answers(want frame) bool {
	if f.op == protocol.OpClose && want.op == protocol.OpClose {
		code, reason, broken := protocol.ParseClosePayload([]byte(f.payload))
		wanted, _, _ := protocol.ParseClosePayload([]byte(want.payload))
		return code == wanted && broken == 0 && utf8.Valid(reason) && !f.open && f.rsv == 0
	}
	return f.op == want.op && f.open == want.open && f.rsv == want.rsv && f.payload == want.payload
}

// chop is how what is sent is cut into writes: a number of octets, or one of these.
type chop int

const (
	whole    chop = 0
	perFrame chop = -1
	octets   chop = 1
)

func (c chop) String() string {
	switch c {
	case whole:
		return "whole"
	case perFrame:
		return "frame by frame"
	case octets:
		return "octet by octet"
	}
	return fmt.Sprintf("in %d octets", int(c))
}

// pieces are the writes in which side sends frames.
func (c chop) pieces(frames []frame, side protocol.Side) (pieces [][]byte) {
	for i, f := range frames {
		pieces = append(pieces, f.bytes(side, uint32(i+1)*0x9e3779b9))
	}
	if c == perFrame {
		return pieces
	}
	all := slices.Concat(pieces...)
	if c == whole || len(all) == 0 {
		return [][]byte{all}
	}
	return slices.Collect(slices.Chunk(all, int(c)))
}

// exchange is what the test sends, and what it waits for before it goes on.
type exchange struct{ send, want []frame }

// testCase is a conversation and how it ends.
type testCase struct {
	name    string
	chop    chop
	version int        // of a case that is cut in several ways, from 1 on; 0 when there is one
	joined  bool       // the first frames share a write with the handshake
	deflate *agreement // nil for no compression
	options websocket.Options
	talk    []exchange
	code    protocol.CloseCode // that the endpoint reports at the end
	fails   bool               // the endpoint fails the connection, because of rule
	rule    protocol.Rule
}

// legal is a case in which all is well: it ends with a close handshake that the
// test begins.
func legal(name string, send []frame, want ...frame) testCase {
	return talked(name, exchange{send, want})
}

// talked is legal with waiting in between.
func talked(name string, talk ...exchange) testCase {
	bye := closing(protocol.CloseNormal, "")
	last := &talk[len(talk)-1]
	last.send = append(slices.Clip(last.send), bye)
	last.want = append(slices.Clip(last.want), bye)
	return testCase{name: name, talk: talk, code: protocol.CloseNormal}
}

// breach is a case in which the endpoint must send the wanted frames, then a close
// frame with the code that the rule earns.
func breach(name string, rule protocol.Rule, send []frame, want ...frame) testCase {
	want = append(slices.Clip(want), closing(rule.CloseCode(), ""))
	return testCase{name: name, talk: []exchange{{send, want}}, code: rule.CloseCode(), rule: rule, fails: true}
}

// in is the same case with its bytes cut otherwise.
func (c testCase) in(cut chop) testCase {
	c.name += ", " + cut.String()
	c.chop = cut
	return c
}

// withHandshake is the same case with its first frames right behind the handshake.
func (c testCase) withHandshake() testCase {
	c.name += ", with the handshake"
	c.joined = true
	return c
}

// taking is the same case with a limit on the size of a message.
func (c testCase) taking(limit int64) testCase {
	c.options.MaxMessageSize = limit
	return c
}

// deflated is the same case on a connection with permessage-deflate.
func (c testCase) deflated(a agreement) testCase {
	c.deflate = &a
	return c
}

// everyChop is each case whole, frame by frame and octet by octet.
func everyChop(cases ...testCase) (all []testCase) {
	for _, c := range cases {
		all = append(all, c.cut(whole, perFrame, octets)...)
	}
	return all
}

// cut is the same case with its bytes cut in each of these ways.
func (c testCase) cut(chops ...chop) (versions []testCase) {
	for i, chop := range chops {
		v := c.in(chop)
		v.version = i + 1
		versions = append(versions, v)
	}
	return versions
}
