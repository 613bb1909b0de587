// From bytes to frames that can be shown: one side of a connection.

package decode

import (
	"fmt"
	"unicode/utf8"

	"framescope/protocol"
)

// Frame is one frame as it is shown. It is valid until the next.
type Frame struct {
	Offset   uint64 // of its first byte in the stream
	From     protocol.Side
	Header   protocol.Header
	Payload  []byte // its beginning, unmasked
	Breaches []protocol.Breach
	// Compressed is set for a frame of a compressed message; Inflated is then the
	// beginning of what it inflates to, of InflatedSize bytes. With Lost it cannot
	// be inflated, since what it builds on was not there or could not be.
	Compressed   bool
	Inflated     []byte
	InflatedSize uint64
	Lost         bool
	Text         bool // what it carries is text
}

// Stream takes the bytes of one side, in pieces of any size.
type Stream struct {
	Decoder protocol.Decoder

	emit    func(*Frame) error
	shown   int    // payload bytes that are kept
	pending []byte // the start of a frame, too little to decode
	at      uint64 // in the stream: bytes decoded
	frame   Frame
	inside  bool
	text    bool // the message is text
}

// NewStream makes a stream that calls emit with each frame at its end. Of payloads
// it keeps shown bytes.
func NewStream(from protocol.Side, shown int, emit func(*Frame) error) *Stream {
	s := &Stream{emit: emit, shown: shown}
	s.Decoder.From = from
	return s
}

// Take decodes the next bytes, which it changes.
func (s *Stream) Take(b []byte) error {
	if len(s.pending) > 0 {
		b = append(s.pending, b...)
	}
	for {
		ev, n := s.Decoder.Next(b)
		if n == 0 {
			break
		}
		if err := s.event(ev, n); err != nil {
			return err
		}
		b = b[n:]
	}
	s.pending = append([]byte(nil), b...)
	return nil
}

func (s *Stream) event(ev protocol.Event, n int) error {
	f := &s.frame
	if ev.Start {
		h := s.Decoder.Header()
		*f = Frame{Offset: s.at, From: s.Decoder.From, Header: h, Payload: f.Payload[:0], Inflated: f.Inflated[:0], Breaches: f.Breaches[:0]}
		if !h.Opcode.Control() && h.Opcode != protocol.OpContinuation {
			s.text = h.Opcode == protocol.OpText
		}
		f.Text = s.text && !h.Opcode.Control()
		s.inside = true
	}
	s.at += uint64(n)
	s.broken(ev.Broken)
	f.Payload = append(f.Payload, ev.Data[:min(len(ev.Data), s.shown-len(f.Payload))]...)
	if s.Decoder.Compressed() {
		var broken protocol.Rules
		f.Inflated, broken = s.Decoder.InflateSome(f.Inflated, ev.Data, s.shown-len(f.Inflated))
		f.Compressed, f.InflatedSize, f.Lost = true, s.Decoder.Inflated(), s.Decoder.ContextLost()
		s.broken(broken)
	}
	if !ev.End {
		return nil
	}
	s.inside = false
	return s.emit(f)
}

func (s *Stream) broken(rules protocol.Rules) {
	for r := range rules.All() {
		s.frame.Breaches = append(s.frame.Breaches, s.Decoder.BreachOf(r))
	}
}

// Finish is at the end of the stream: an error when that is inside a frame, which
// is emitted as far as it came.
func (s *Stream) Finish() error {
	if !s.inside {
		return s.finishPending()
	}
	missing := s.Decoder.Pending()
	if f := &s.frame; len(s.pending) > 0 {
		// Of a control frame with a broken header: the decoder waits for all of it.
		if missing -= uint64(len(s.pending)); f.Header.Masked {
			protocol.Mask(f.Header.MaskingKey, 0, s.pending)
		}
		f.Payload = append(f.Payload, s.pending[:min(len(s.pending), s.shown)]...)
	}
	if err := s.emit(&s.frame); err != nil {
		return err
	}
	return s.cut(missing)
}

func (s *Stream) cut(missing uint64) error {
	return fmt.Errorf("the input ends inside a frame: of the one at byte %d the last %d bytes of payload are missing", s.frame.Offset, missing)
}

// finishPending emits what has come of a control frame, which the decoder gives only
// whole.
func (s *Stream) finishPending() error {
	if len(s.pending) == 0 {
		return nil
	}
	h, n := protocol.ParseHeader(s.pending)
	if n == 0 {
		return fmt.Errorf("the input ends inside a frame: of the one at byte %d only %d bytes are there, too few for its header", s.at, len(s.pending))
	}
	payload := s.pending[n:]
	if h.Masked {
		protocol.Mask(h.MaskingKey, 0, payload)
	}
	s.frame = Frame{Offset: s.at, From: s.Decoder.From, Header: h, Payload: payload[:min(len(payload), s.shown)]}
	if err := s.emit(&s.frame); err != nil {
		return err
	}
	return s.cut(h.PayloadLength - uint64(len(payload)))
}

// Shown is what is to be seen of the payload: inflated, if it is compressed, and of a
// close frame the reason. whole says whether that is all of it. text says whether it is
// text and UTF-8 by itself, which a fragment that ends inside a character is not.
func (f *Frame) Shown() (p []byte, whole, text bool) {
	p, whole = f.Payload, uint64(len(f.Payload)) == f.Header.PayloadLength
	switch {
	case f.Compressed && !f.Lost:
		p, whole = f.Inflated, uint64(len(f.Inflated)) == f.InflatedSize
	case f.Header.Opcode == protocol.OpClose && len(p) >= 2:
		p = p[2:]
	}
	if !f.IsText() {
		return p, whole, false
	}
	if !whole {
		if cut := wholeCharacters(p); utf8.Valid(cut) {
			return cut, whole, true
		}
	}
	return p, whole, utf8.Valid(p)
}

// IsText reports whether the payload may be text: that of a text message is, that of a
// ping, a pong or a close frame when it is UTF-8.
func (f *Frame) IsText() bool {
	return f.Header.Opcode.Control() || f.Text && !(f.Compressed && f.Lost)
}

// wholeCharacters is p without a character of which the end is missing.
func wholeCharacters(p []byte) []byte {
	for end := len(p) - 1; end >= 0 && len(p)-end < utf8.UTFMax; end-- {
		if utf8.RuneStart(p[end]) {
			if !utf8.FullRune(p[end:]) {
				return p[:end]
			}
			break
		}
	}
	return p
}
