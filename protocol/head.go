// HTTP heads and the lists in their fields, as far as a handshake needs them.

package protocol

import (
	"bytes"
	"strings"
)

// Fields gives all values of a header field, whose name is matched without
// regard to case. http.Header is one when asked by canonical names, which is
// how this package asks.
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
// n is 0 while the blank line has not come. Lines that are no field are kept
// with an empty name. Line ends may be CR LF or LF (RFC 9112 2.2).
func ParseHead(b []byte) (h Head, n int) {
	for {
		end := bytes.IndexByte(b[n:], '\n')
		if end < 0 {
			return Head{}, 0
		}
		line := string(bytes.TrimSuffix(b[n:n+end], []byte("\r")))
		n += end + 1
		switch {
		case h.StartLine == "" && line != "":
			h.StartLine = line
		case h.StartLine == "":
			// RFC 9112 2.2: ignore empty lines before the start line.
		case line == "":
			return h, n
		default:
			h.Lines = append(h.Lines, parseField(line))
		}
	}
}

func parseField(line string) HeadField {
	name, value, ok := strings.Cut(line, ":")
	if !ok {
		return HeadField{Value: line}
	}
	return HeadField{name, trim(value)}
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
