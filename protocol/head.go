// HTTP heads and the lists in their fields, as far as a handshake needs them.

package protocol

import (
	"bytes"
	"strings"
)

// Fields returns all values of a header field, whose name is matched without regard
// to case. http.Header implements it for canonical names; this package uses only
// those.
type Fields interface {
	Values(name string) []string
}

// HeadField is one line of a head.
type HeadField struct{ Name, Value string }

// Head is an HTTP/1.x message up to its body, in the order of the wire.
type Head struct {
	StartLine string
	Lines     []HeadField
}

// ParseHead reads the head that b begins with, up to and with the blank line.
// n is 0 if the blank line is missing. Lines that are no field are kept
// with an empty name. Line ends may be CR LF or LF (RFC 9112 2.2).
func ParseHead(b []byte) (h Head, n int) {
	if n = HeadLength(b); n == 0 {
		return h, 0
	}
	raw := RawHead(b[:n]) // one copy for all lines
	line, rest := raw.cut()
	h.StartLine = line
	if lines := strings.Count(rest, "\n") - 1; lines > 0 {
		h.Lines = make([]HeadField, 0, lines)
	}
	for line, rest = cutLine(rest); line != ""; line, rest = cutLine(rest) {
		h.Lines = append(h.Lines, parseField(line))
	}
	return h, n
}

// HeadLength returns the length in bytes of the head that b begins with, 0 if its blank
// line is missing.
func HeadLength(b []byte) (n int) {
	for started := false; ; {
		end := bytes.IndexByte(b[n:], '\n')
		if end < 0 {
			return 0
		}
		empty := end == 0 || end == 1 && b[n] == '\r'
		n += end + 1
		// RFC 9112 2.2: ignore empty lines before the start line.
		if empty && started {
			return n
		}
		started = started || !empty
	}
}

// RawHead is the text of a head. Looking up a field or two in it takes less time than
// parsing it.
type RawHead string

// StartLine returns its first line.
func (h RawHead) StartLine() string {
	line, _ := h.cut()
	return line
}

// cut cuts off the start line, which empty lines may precede (RFC 9112 2.2).
func (h RawHead) cut() (line, rest string) {
	for rest = string(h); line == "" && rest != ""; {
		line, rest = cutLine(rest)
	}
	return line, rest
}

// Values implements [Fields].
func (h RawHead) Values(name string) (values []string) {
	_, rest := h.cut()
	for line, rest := cutLine(rest); line != ""; line, rest = cutLine(rest) {
		if f := parseField(line); equalFold(f.Name, name) {
			values = append(values, f.Value)
		}
	}
	return values
}

func parseField(line string) HeadField {
	pseudo := strings.TrimPrefix(line, ":") // RFC 9113 8.3: a pseudo-field's name begins with a colon
	name, value, ok := strings.Cut(pseudo, ":")
	if !ok {
		return HeadField{Value: line}
	}
	return HeadField{line[:len(line)-len(pseudo)] + name, trim(value)}
}

// Values implements [Fields].
func (h Head) Values(name string) []string {
	var values []string
	for _, f := range h.Lines {
		if equalFold(f.Name, name) {
			values = append(values, f.Value)
		}
	}
	return values
}

// Tokens splits comma-separated lists into their trimmed, non-empty elements.
func Tokens(values []string) []string {
	var tokens []string
	for _, list := range values {
		for more := true; more; {
			var token string
			if token, list, more = nextToken(list); token != "" {
				tokens = append(tokens, token)
			}
		}
	}
	return tokens
}

// HasToken reports whether a list holds the token, without regard to case.
func HasToken(values []string, token string) bool {
	for _, list := range values {
		for more := true; more; {
			var t string
			if t, list, more = nextToken(list); equalFold(t, token) {
				return true
			}
		}
	}
	return false
}
