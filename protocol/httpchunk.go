// Chunked bodies of HTTP/1.1: the lines around the chunks.

package protocol

import (
	"bytes"
	"strconv"
	"strings"
)

// maxHTTPLine is the longest line between the chunks of a body and after them, in
// bytes.
const maxHTTPLine = 4 << 10

// chunkEnd reads the line end after a chunk.
func (d *HTTPDecoder) chunkEnd(b []byte) (n int, err error) {
	for ; n < len(b) && d.left > 0; n++ {
		if b[n] != "\r\n"[2-d.left] {
			return n, errHTTPChunkEnd
		}
		d.left--
	}
	if d.left == 0 {
		d.state = httpChunkSize
	}
	return n, nil
}

// bodyLine reads the line before a chunk, or one after the last chunk.
func (d *HTTPDecoder) bodyLine(b []byte) (ev HTTPEvent, n int, err error) {
	end := bytes.IndexByte(b, '\n')
	if n = end + 1; end < 0 {
		n = len(b)
	}
	if len(d.partial)+n > maxHTTPLine {
		return ev, 0, errHTTPLine
	}
	if end < 0 {
		d.partial = append(d.partial, b...)
		return ev, n, nil
	}
	line := b[:end]
	if len(d.partial) > 0 {
		line = append(d.partial, line...)
		d.partial = line[:0]
	}
	if d.state == httpTrailer {
		ev.End, err = d.trailer(string(line))
	} else {
		err = d.chunkSize(string(line))
	}
	if ev.End {
		d.state, d.partial = httpHead, nil
	}
	return ev, n, err
}

// chunkSize reads the line before a chunk: its size, and extensions, which it ignores
// (RFC 9112 7.1).
func (d *HTTPDecoder) chunkSize(line string) error {
	line, crlf := strings.CutSuffix(line, "\r")
	if !crlf || strings.IndexByte(line, '\r') >= 0 {
		// Other than in a head, a lone LF ends no line here.
		return errHTTPChunkSize
	}
	digits, _, _ := strings.Cut(line, ";")
	digits = strings.TrimRight(digits, " \t")
	size, err := strconv.ParseUint(digits, 16, 64)
	if err != nil || len(digits) > 16 {
		return errHTTPChunkSize
	}
	if d.left = size; size > 0 {
		d.state = httpChunk
	} else {
		d.state, d.trailers = httpTrailer, 0
	}
	return nil
}

// trailer reads a line after the last chunk; the empty one is the end.
func (d *HTTPDecoder) trailer(line string) (end bool, err error) {
	first := d.trailers == 0
	d.trailers += len(line) + 1
	if line, _ = strings.CutSuffix(line, "\r"); line == "" {
		return true, nil
	}
	if d.trailers > d.maxHead() {
		return false, errHTTPTrailers
	}
	_, _, err = parseFieldLine(line, first)
	return false, err
}
