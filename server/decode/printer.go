// Printing: a frame as lines for people, or as a JSON object for programs.

package decode

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"framescope/protocol"
)

// Printer prints frames.
type Printer struct {
	w    io.Writer
	json bool
	line []byte // buffer for a line of JSON
	// Label is printed at the beginning of each frame.
	Label string
}

// NewPrinter returns a printer of text, or of JSON Lines.
func NewPrinter(w io.Writer, asJSON bool) *Printer { return &Printer{w: w, json: asJSON} }

// Frame prints one frame.
func (p *Printer) Frame(f *Frame) error {
	if p.json {
		return p.write(jsonFrame(f))
	}
	_, err := io.WriteString(p.w, p.text(f))
	return err
}

func (p *Printer) write(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	p.line = append(appendJSON(p.line[:0], line), '\n')
	_, err = p.w.Write(p.line)
	return err
}

// text returns a line for the header, one for the payload, and one for each breach.
func (p *Printer) text(f *Frame) string {
	var b strings.Builder
	h := &f.Header
	fmt.Fprintf(&b, "%s@%-6d %v %s", p.Label, f.Offset, f.From, h.Opcode)
	if h.Fin {
		b.WriteString(" FIN")
	}
	for i, bit := range []uint8{protocol.RSV1, protocol.RSV2, protocol.RSV3} {
		if h.RSV&bit != 0 {
			fmt.Fprintf(&b, " RSV%d", i+1)
		}
	}
	if h.Masked {
		fmt.Fprintf(&b, " mask %08x", h.MaskingKey)
	}
	fmt.Fprintf(&b, " length %d", h.PayloadLength)
	switch {
	case f.Compressed && f.Lost:
		b.WriteString(", cannot be inflated: what it builds on is missing (RFC 7692 7.1.1)")
	case f.Compressed:
		fmt.Fprintf(&b, ", inflates to %d", f.InflatedSize)
	}
	b.WriteByte('\n')
	if shown := payloadText(f); shown != "" {
		fmt.Fprintf(&b, "        %s\n", shown)
	}
	for _, breach := range f.Breaches {
		fmt.Fprintf(&b, "      ! %v: %s (%s, close %d)\n", breach.Rule, breach.Text(), breach.Rule.Section(), breach.Rule.CloseCode())
	}
	return b.String()
}

func payloadText(f *Frame) string {
	shown, whole, text := f.Shown()
	quote := text || f.IsText() && !f.Header.Opcode.Control() // invalid text is quoted, too
	line := ""
	if code, ok := closeCode(f); ok {
		line, quote = code.String(), true
		if len(shown) > 0 {
			line += ": "
		}
	}
	switch {
	case len(shown) == 0:
		return line
	case quote:
		line += quoted(shown)
	default:
		line += hex.EncodeToString(shown)
	}
	if !whole {
		line += " …"
	}
	return line
}

// closeCode returns the code of a close frame that has one.
func closeCode(f *Frame) (code protocol.CloseCode, ok bool) {
	if f.Header.Opcode != protocol.OpClose || len(f.Payload) < 2 {
		return 0, false
	}
	code, _, _ = protocol.ParseClosePayload(f.Payload)
	return code, true
}

type frameJSON struct {
	Offset       uint64       `json:"offset"`
	From         string       `json:"from"`
	Opcode       string       `json:"opcode"`
	Fin          bool         `json:"fin"`
	RSV          uint8        `json:"rsv"`
	Masked       bool         `json:"masked"`
	MaskingKey   string       `json:"maskingKey,omitempty"`
	Length       string       `json:"length"`
	Compressed   bool         `json:"compressed,omitempty"`
	InflatedSize *uint64      `json:"inflatedSize,omitempty"`
	Text         *string      `json:"text,omitempty"`
	Hex          *string      `json:"hex,omitempty"`
	Whole        bool         `json:"whole"`
	CloseCode    *int         `json:"closeCode,omitempty"`
	Breaches     []breachJSON `json:"breaches,omitempty"`
}

type breachJSON struct {
	Rule      string `json:"rule"`
	Text      string `json:"text"`
	Section   string `json:"section"`
	CloseCode int    `json:"closeCode"`
}

func jsonFrame(f *Frame) frameJSON {
	h := &f.Header
	shown, whole, text := f.Shown()
	j := frameJSON{
		Offset: f.Offset, From: f.From.String(), Opcode: h.Opcode.String(), Fin: h.Fin, RSV: h.RSV, Masked: h.Masked,
		Length: strconv.FormatUint(h.PayloadLength, 10), Compressed: f.Compressed, Whole: whole,
	}
	if h.Masked {
		j.MaskingKey = fmt.Sprintf("%08x", h.MaskingKey)
	}
	if f.Compressed && !f.Lost {
		j.InflatedSize = &f.InflatedSize
	}
	if code, ok := closeCode(f); ok {
		number := int(code)
		j.CloseCode = &number
	}
	if text {
		text := string(shown)
		j.Text = &text
	} else {
		bytes := hex.EncodeToString(shown)
		j.Hex = &bytes
	}
	for _, b := range f.Breaches {
		j.Breaches = append(j.Breaches, breachJSON{b.Rule.String(), b.Text(), b.Rule.Section(), int(b.Rule.CloseCode())})
	}
	return j
}

type headJSON struct {
	Head   string      `json:"head"`
	From   string      `json:"from"`
	Checks []checkJSON `json:"checks"`
}

type httpJSON struct {
	HTTP string `json:"http"`
	From string `json:"from"`
}

type checkJSON struct {
	OK      bool   `json:"ok"`
	What    string `json:"what"`
	Seen    string `json:"seen"`
	Reason  string `json:"reason,omitempty"`
	Section string `json:"section"`
}

// validText returns s for JSON, which can hold only UTF-8: other bytes are escaped.
func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return Escape(s)
}

// HTTP prints a request or a response that is not part of a handshake.
func (p *Printer) HTTP(from protocol.Side, h protocol.Head) error {
	if p.json {
		return p.write(httpJSON{validText(h.StartLine), from.String()})
	}
	_, err := fmt.Fprintf(p.w, "%s%v HTTP: %s\n", p.Label, from, quoted([]byte(h.StartLine)))
	return err
}

// Head prints the head of a handshake and those of its checks that failed.
func (p *Printer) Head(from protocol.Side, h protocol.Head, checks []protocol.Check) error {
	if p.json {
		j := headJSON{Head: validText(h.StartLine), From: from.String()}
		for _, c := range checks {
			one := checkJSON{OK: c.OK, What: c.What, Seen: validText(c.Seen), Section: c.Section}
			if !c.OK {
				one.Reason = c.Reason
			}
			j.Checks = append(j.Checks, one)
		}
		return p.write(j)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s%v handshake: %s\n", p.Label, from, quoted([]byte(h.StartLine)))
	for _, c := range checks {
		if !c.OK {
			fmt.Fprintf(&b, "      ! %s (%s)\n", c.Reason, c.Section)
		}
	}
	_, err := io.WriteString(p.w, b.String())
	return err
}
