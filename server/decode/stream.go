// From bytes to frames that can be shown: one side of a connection.

package decode

import (
	"fmt"
	"unicode/utf8"

	"framescope/protocol"
)

// Frame is a frame as it is shown. It is valid until the next frame begins.
type Frame struct {
	Offset   uint64 // of its first byte in the stream
	From     protocol.Side
	Header   protocol.Header
	Payload  []byte // its beginning, unmasked
	Breaches []protocol.Breach
	// Compressed is set for a frame of a compressed message. It inflates to InflatedSize bytes,
	// of which Inflated is the beginning. If Lost is set it cannot be inflated, because messages
	// that it refers to are missing or could not be inflated.
	Compressed   bool
	Inflated     []byte
	InflatedSize uint64
	Lost         bool
	Text         bool // it is part of a text message
}

// Stream decodes the bytes of one side, which may come in pieces of any size.
type Stream struct {
	Decoder protocol.Decoder

	emit    func(*Frame) error
	shown   int    // how many payload bytes of a frame are kept
	pending []byte // the beginning of a frame, too short to be decoded
	at      uint64 // the number of bytes decoded
	frame   Frame
	inside  bool // the frame has begun and not ended
	text    bool // the message is text
}

// NewStream returns a stream that calls emit at the end of each frame. It keeps the first shown
// bytes of a payload.
func NewStream(from protocol.Side, shown int, emit func(*Frame) error) *Stream {
	s := &Stream{emit: emit, shown: shown}
	s.Decoder.From = from
	return s
}

// Decode decodes the next bytes of the stream. It changes b.
func (s *Stream) Decode(b []byte) error {
	if len(s.pending) > 0 {
		b = append(s.pending, b...)
	}
	for {
		ev, n := s.Decoder.Next(b)
		if n == 0 {
			break
		}
		if err := s.addEvent(ev, n); err != nil {
			return err
		}
		b = b[n:]
	}
	s.pending = append([]byte(nil), b...)
	return nil
}

// addEvent adds an event of n bytes to the frame, and emits the frame at its end.
func (s *Stream) addEvent(ev protocol.Event, n int) error {
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
	s.addBreaches(ev.Broken)
	f.Payload = append(f.Payload, ev.Data[:min(len(ev.Data), s.shown-len(f.Payload))]...)
	if s.Decoder.Compressed() {
		var broken protocol.Rules
		f.Inflated, broken = s.Decoder.InflateSome(f.Inflated, ev.Data, s.shown-len(f.Inflated))
		f.Compressed, f.InflatedSize, f.Lost = true, s.Decoder.Inflated(), s.Decoder.ContextLost()
		s.addBreaches(broken)
	}
	if !ev.End {
		return nil
	}
	s.inside = false
	return s.emit(f)
}

func (s *Stream) addBreaches(rules protocol.Rules) {
	for r := range rules.All() {
		s.frame.Breaches = append(s.frame.Breaches, s.Decoder.BreachOf(r))
	}
}

// Finish ends the stream. If it ends inside a frame, Finish emits the received part of the frame and
// returns an error.
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
	return s.cutError(missing)
}

// cutError is for a stream that ends before the last missing bytes of the frame's payload.
func (s *Stream) cutError(missing uint64) error {
	return fmt.Errorf("the input ends inside a frame: of the one at byte %d the last %d bytes of payload are missing", s.frame.Offset, missing)
}

// finishPending emits the received part of a frame that the decoder has not begun: a part of a
// header, or of a control frame, which it decodes only when all of it is there.
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
	return s.cutError(h.PayloadLength - uint64(len(payload)))
}

// Shown returns what is shown of the payload: of a compressed one what it inflates to, of a close
// frame the reason. whole is whether p is all of it, and text whether it is text and p is valid
// UTF-8, which a fragment that ends inside a character is not.
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

// IsText reports whether the payload is that of a text message or of a control frame, which is
// shown as text where it is UTF-8.
func (f *Frame) IsText() bool {
	return f.Header.Opcode.Control() || f.Text && !(f.Compressed && f.Lost)
}

// wholeCharacters returns p without a last character whose end is missing.
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
