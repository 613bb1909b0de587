// A writer of JSON, for the details that the page asks for.

package inspect

import (
	"strconv"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// jsonWriter appends JSON to buf. encoding/json would make the WASM module
// larger by two thirds; the few calls here need no reflection. Its methods are
// not inlined: their many callers would make the module 3 % larger.
type jsonWriter struct {
	buf   []byte
	comma bool // the next value needs a comma before it
}

//go:noinline
func (j *jsonWriter) open(bracket byte) {
	j.separate()
	j.buf = append(j.buf, bracket)
	j.comma = false
}

//go:noinline
func (j *jsonWriter) close(bracket byte) {
	j.buf = append(j.buf, bracket)
	j.comma = true
}

//go:noinline
func (j *jsonWriter) separate() {
	if j.comma {
		j.buf = append(j.buf, ',')
	}
	j.comma = true
}

// key begins a member of the open object.
//
//go:noinline
func (j *jsonWriter) key(name string) *jsonWriter {
	j.string(name)
	j.buf = append(j.buf, ':')
	j.comma = false
	return j
}

//go:noinline
func (j *jsonWriter) bool(b bool) {
	j.separate()
	j.buf = strconv.AppendBool(j.buf, b)
}

//go:noinline
func (j *jsonWriter) null() {
	j.separate()
	j.buf = append(j.buf, "null"...)
}

// int appends a number that is exact in JavaScript.
//
//go:noinline
func (j *jsonWriter) int(n int) {
	j.separate()
	j.buf = strconv.AppendInt(j.buf, int64(n), 10)
}

// big appends a 64-bit number as text, since JavaScript would round it.
//
//go:noinline
func (j *jsonWriter) big(n uint64) {
	j.separate()
	j.buf = append(j.buf, '"')
	j.buf = strconv.AppendUint(j.buf, n, 10)
	j.buf = append(j.buf, '"')
}

// string appends text; bytes that are not UTF-8 become U+FFFD.
//
//go:noinline
func (j *jsonWriter) string(s string) {
	j.separate()
	j.buf = append(j.buf, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			j.buf = append(j.buf, '\\', byte(c))
		case c < 0x20:
			j.buf = append(j.buf, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xF])
		default:
			j.buf = utf8.AppendRune(j.buf, c)
		}
	}
	j.buf = append(j.buf, '"')
}
