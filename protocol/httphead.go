// How an HTTP/1.1 message is framed, as its head says.

package protocol

import (
	"strconv"
	"strings"
)

// HTTPError says why HTTP cannot be followed any further.
type HTTPError struct {
	Reason  string // a clause: "a Content-Length is no number"
	Section string // the section that says so, "RFC 9112 6.3"
}

func (e *HTTPError) Error() string { return "protocol: " + e.Reason + " (" + e.Section + ")" }

var (
	errHTTPRequestLine = &HTTPError{"the first line is no request line of HTTP/1.0 or HTTP/1.1", "RFC 9112 3"}
	errHTTPStatusLine  = &HTTPError{"the first line is no status line of HTTP/1.0 or HTTP/1.1", "RFC 9112 4"}
	errHTTPField       = &HTTPError{"a line is no header field: it needs a name without blanks, then a colon", "RFC 9112 5.1"}
	errHTTPControl     = &HTTPError{"a line holds a CR or a NUL", "RFC 9112 2.2"}
	errHTTPFold        = &HTTPError{"a field that says where the message ends goes on in a second line", "RFC 9112 5.2"}
	errHTTPTwoFramings = &HTTPError{"Transfer-Encoding and Content-Length are both there", "RFC 9112 6.1"}
	errHTTPCoding      = &HTTPError{"the Transfer-Encoding is not chunked alone", "RFC 9112 6.1"}
	errHTTPLength      = &HTTPError{"the Content-Length is no number, or there are several that differ", "RFC 9112 6.3"}
	errHTTPChunkSize   = &HTTPError{"the line before a chunk does not begin with its size, or does not end with CR LF", "RFC 9112 7.1"}
	errHTTPChunkEnd    = &HTTPError{"no CR LF follows a chunk: it is longer than its size says", "RFC 9112 7.1"}
	errHTTPLine        = &HTTPError{"a line inside a chunked body is longer than 4 KiB", "RFC 9112 7.1.1"}
	errHTTPTrailers    = &HTTPError{"the trailer section is longer than a head may be", "RFC 9112 7.1.2"}
)

// framing is what a head says of the body after it.
type framing struct {
	status    int  // of a response
	minor     byte // of the version
	codings   int  // Transfer-Encoding fields
	chunked   bool // the last of them says so
	hasLength bool
	length    uint64
	framed    bool // the last field was one of these
}

// parseFraming reads a whole head as side sent it. It is as strict as net/http or
// stricter, so that a reader that follows a connection beside net/http sees the same
// messages or an error.
func parseFraming(head string, side Side) (f framing, err error) {
	line, rest := cutLine(head)
	if strings.IndexByte(line, '\r') >= 0 || strings.IndexByte(line, 0) >= 0 {
		return f, errHTTPControl
	}
	if side == Server {
		err = f.statusLine(line)
	} else {
		err = f.requestLine(line)
	}
	for first := true; err == nil; first = false {
		if line, rest = cutLine(rest); line == "" {
			break
		}
		err = f.fieldLine(line, first)
	}
	switch {
	case err != nil || f.codings == 0:
	case f.minor == 0:
		f.chunked = false // HTTP/1.0 knows no Transfer-Encoding: net/http ignores it
	case f.hasLength:
		err = errHTTPTwoFramings
	case f.codings > 1 || !f.chunked:
		err = errHTTPCoding
	}
	return f, err
}

func (f *framing) fieldLine(line string, first bool) error {
	name, value, err := parseFieldLine(line, first)
	if err == nil && name == "" && f.framed {
		err = errHTTPFold
	}
	if err != nil || name == "" {
		return err
	}
	f.framed = true
	switch {
	case equalFold(name, "Transfer-Encoding"):
		f.codings++
		f.chunked = equalFold(value, "chunked")
	case equalFold(name, "Content-Length"):
		n, err := strconv.ParseUint(value, 10, 63)
		if err != nil || f.hasLength && n != f.length {
			return errHTTPLength
		}
		f.length, f.hasLength = n, true
	default:
		f.framed = false
	}
	return nil
}

// cutLine cuts the first line off a head, without its end: CR LF, or LF alone
// (RFC 9112 2.2).
func cutLine(s string) (line, rest string) {
	line, rest, _ = strings.Cut(s, "\n")
	line, _ = strings.CutSuffix(line, "\r")
	return line, rest
}

func (f *framing) requestLine(line string) error {
	method, rest, _ := strings.Cut(line, " ")
	target, version, _ := strings.Cut(rest, " ")
	if !IsToken(method) || target == "" || !f.version(version) {
		return errHTTPRequestLine
	}
	return nil
}

func (f *framing) statusLine(line string) error {
	version, _, _ := strings.Cut(line, " ")
	f.status = StatusOf(Head{StartLine: line})
	if !f.version(version) || f.status < 100 {
		return errHTTPStatusLine
	}
	return nil
}

func (f *framing) version(s string) (ok bool) {
	const major = "HTTP/1."
	if len(s) != len(major)+1 || s[:len(major)] != major || !isDigit(s[len(major)]) {
		return false
	}
	f.minor = s[len(major)] - '0'
	return true
}

// parseFieldLine reads a line of a head or of a trailer section. A line that
// continues the previous field has no name; it cannot be the first.
func parseFieldLine(line string, first bool) (name, value string, err error) {
	if strings.IndexByte(line, '\r') >= 0 || strings.IndexByte(line, 0) >= 0 {
		return "", "", errHTTPControl
	}
	if (line[0] == ' ' || line[0] == '\t') && !first {
		return "", "", nil
	}
	name, value, ok := strings.Cut(line, ":")
	if !ok || !IsToken(name) {
		return "", "", errHTTPField
	}
	return name, trim(value), nil
}
