// The HTTP decoder: one direction of an HTTP/1.1 connection, from bytes to heads and bodies.

package protocol

import (
	"bytes"
	"strconv"
)

// maxHTTPHead is the longest head that is read unless the caller says otherwise, in
// bytes.
const maxHTTPHead = 64 << 10

// HTTPDecoder follows HTTP/1.1 as one side sends it, up to where it becomes
// another protocol. The caller passes it the bytes as they arrive; it reports where
// heads, bodies and messages end. It keeps only the beginning of a line inside a
// chunked body. The zero value reads a client's requests.
//
// It never guesses: what two readers could understand differently is an error.
type HTTPDecoder struct {
	From Side
	// Method is that of the request which the next response answers, for the
	// side of a server: the response to HEAD has no body, and what follows a
	// successful one to CONNECT is not HTTP. The caller sets it before each
	// response; empty stands for any other method.
	Method string
	// MaxHead is the longest head, and the longest trailer section, in bytes; 0
	// stands for 64 KiB.
	MaxHead int

	state    httpState
	scanned  int    // bytes of an unfinished head that have been searched for its end
	line     int    // where the last of these lines begins
	left     uint64 // bytes of the body, or of the chunk, that are still to come
	partial  []byte // of a line inside a chunked body
	trailers int    // bytes of the trailer section
	err      error
}

// httpState says what the next bytes are.
type httpState uint8

const (
	httpHead      httpState = iota // of the next message
	httpLength                     // body of known length
	httpToEnd                      // body that lasts until the connection ends
	httpChunkSize                  // line before a chunk
	httpChunk                      // data of a chunk
	httpChunkEnd                   // line end after a chunk
	httpTrailer                    // lines after the last chunk
	httpOver                       // HTTP has ended
)

// HTTPEvent is what the next bytes were.
type HTTPEvent struct {
	// Head is a whole head, from its start line to its blank line: a message
	// begins. It aliases the bytes given to Next, as Body does.
	Head []byte
	// Status is the status code of a response's head.
	Status int
	// Body is the next part of the body, without what chunked coding adds.
	Body []byte
	// End is set when the message is complete.
	End bool
	// Over is set when the bytes that follow are not HTTP: the response was 101,
	// or a successful one to CONNECT. Next reads none of them. Only the response
	// says whether a request ends HTTP: stop after the request's head until that is known.
	Over bool
}

// Next reads what it can from the start of b and returns how many bytes that was.
// If n is 0 without an error, it needs more: call it again with b and the bytes that
// follow. That happens in heads only, and what has been searched is not searched
// again. If n is not 0, the event may still be empty: framing between the parts of a
// body is no event.
//
// An error is an [HTTPError] and ends the decoding: every later call returns it.
// If the fault is in a head, the event has that head.
func (d *HTTPDecoder) Next(b []byte) (ev HTTPEvent, n int, err error) {
	if d.err != nil || len(b) == 0 {
		return ev, 0, d.err
	}
	switch d.state {
	case httpHead:
		ev, n, err = d.head(b)
	case httpLength, httpChunk:
		ev, n = d.data(b)
	case httpToEnd:
		ev, n = HTTPEvent{Body: b}, len(b)
	case httpChunkEnd:
		n, err = d.chunkEnd(b)
	case httpChunkSize, httpTrailer:
		ev, n, err = d.bodyLine(b)
	}
	d.err = err
	return ev, n, err
}

// Unfinished reports whether the connection must not end here: inside a head, or
// inside a body that does not last until the connection ends.
func (d *HTTPDecoder) Unfinished() bool {
	return d.state == httpHead && d.scanned > 0 || d.state != httpHead && d.state != httpToEnd && d.state != httpOver
}

// head looks for the end of a head.
func (d *HTTPDecoder) head(b []byte) (ev HTTPEvent, n int, err error) {
	// RFC 9112 2.2: ignore empty lines before the start line.
	for n < len(b) && (b[n] == '\n' || b[n] == '\r' && n+1 < len(b) && b[n+1] == '\n') {
		n += bytes.IndexByte(b[n:], '\n') + 1
	}
	if n > 0 {
		d.scanned, d.line = 0, 0
		return ev, n, nil
	}
	limit := d.maxHead()
	within := b[:min(len(b), limit)]
	if d.scanned > len(within) { // the caller has passed other bytes
		d.scanned, d.line = 0, 0
	}
	for {
		i := bytes.IndexByte(within[d.scanned:], '\n')
		if i < 0 {
			break
		}
		line := within[d.line : d.scanned+i]
		d.scanned += i + 1
		d.line = d.scanned
		if len(line) == 0 || string(line) == "\r" {
			head := within[:d.scanned:d.scanned]
			d.scanned, d.line = 0, 0
			ev, err = d.begin(head)
			return ev, len(head), err
		}
	}
	if d.scanned = len(within); d.scanned == limit {
		return ev, 0, &HTTPError{"a head is longer than " + strconv.Itoa(limit) + " bytes", "RFC 9112 2.2"}
	}
	return ev, 0, nil
}

func (d *HTTPDecoder) maxHead() int {
	if d.MaxHead > 0 {
		return d.MaxHead
	}
	return maxHTTPHead
}

// begin begins the message with the given head.
func (d *HTTPDecoder) begin(head []byte) (ev HTTPEvent, err error) {
	ev.Head = head
	f, err := parseFraming(string(head), d.From)
	if err != nil {
		return ev, err
	}
	ev.Status = f.status
	switch {
	case f.status == 101, d.Method == "CONNECT" && f.status/100 == 2:
		// RFC 9110 15.2.2, 9.3.6: what follows is of another protocol.
		ev.Over = true
		d.state = httpOver
	case d.From == Server && (f.status/100 == 1 || f.status == 204 || f.status == 304 || d.Method == "HEAD"):
		// RFC 9112 6.3: these have no body, whatever their fields say.
	case f.chunked:
		d.state = httpChunkSize
		return ev, nil
	case f.hasLength:
		if d.left = f.length; d.left > 0 {
			d.state = httpLength
			return ev, nil
		}
	case d.From == Server:
		d.state = httpToEnd
		return ev, nil
	}
	ev.End = true
	return ev, nil
}

// data reads bytes of a body, or of a chunk.
func (d *HTTPDecoder) data(b []byte) (ev HTTPEvent, n int) {
	if uint64(len(b)) > d.left {
		b = b[:d.left]
	}
	ev.Body = b
	if d.left -= uint64(len(b)); d.left > 0 {
		return ev, len(b)
	}
	if d.state == httpChunk {
		d.state, d.left = httpChunkEnd, 2
	} else {
		d.state, ev.End = httpHead, true
	}
	return ev, len(b)
}
