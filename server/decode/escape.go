// Escapes: how bytes that others chose are shown where people read them.

package decode

import (
	"encoding/hex"
	"strconv"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// AppendEscaped appends p as text of one line that commands no terminal and hides
// nothing: what can be seen stays, tabs too; control characters, those that turn the
// direction of text, other invisible ones and bytes that are not UTF-8 become escapes
// as in Go: \n, \x1b, \u202e.
func AppendEscaped(dst, p []byte) []byte { return appendEscaped(dst, p, false) }

// Escape is AppendEscaped for text.
func Escape(s string) string { return string(AppendEscaped(nil, []byte(s))) }

// quoted is p between quotes, from which it can be told byte by byte: tabs, quotes and
// backslashes are escaped too.
func quoted(p []byte) string {
	return string(append(appendEscaped([]byte{'"'}, p, true), '"'))
}

func appendEscaped(dst, p []byte, quote bool) []byte {
	for len(p) > 0 {
		c, n := utf8.DecodeRune(p)
		switch {
		case c == utf8.RuneError && n == 1:
			dst = hex.AppendEncode(append(dst, `\x`...), p[:1])
		case quote && (c == '"' || c == '\\'):
			dst = append(dst, '\\', byte(c))
		case visible(c) || c == '\t' && !quote:
			dst = append(dst, p[:n]...)
		default:
			at := len(dst)
			dst = strconv.AppendQuoteRuneToASCII(dst, c)
			dst = append(dst[:at], dst[at+1:len(dst)-1]...) // without its quotes
		}
		p = p[n:]
	}
	return dst
}

// escapeJSON escapes in a line of JSON what cannot be seen: its strings stay the same.
// What is below a space is escaped in JSON anyway.
func escapeJSON(line []byte) []byte {
	for i, c := range string(line) {
		if c >= 0x7F && !visible(c) {
			return appendJSON(line[:i:i], line[i:])
		}
	}
	return line
}

func appendJSON(dst, line []byte) []byte {
	for _, c := range string(line) {
		if c < 0x7F || visible(c) {
			dst = utf8.AppendRune(dst, c)
			continue
		}
		units := utf16.AppendRune(nil, c)
		for _, u := range units {
			dst = append(dst, `\u`...)
			dst = hex.AppendEncode(dst, []byte{byte(u >> 8), byte(u)})
		}
	}
	return dst
}

// visible reports whether c leaves a mark, and does no more than that.
func visible(c rune) bool {
	if c < utf8.RuneSelf {
		return c >= ' ' && c <= '~'
	}
	return unicode.IsPrint(c) && !unicode.In(c, invisible...)
}

// invisible are the characters that Unicode counts as letters, marks or symbols though
// nothing is seen of them: fillers, selectors of variants, the empty Braille pattern.
var invisible = []*unicode.RangeTable{
	unicode.Other_Default_Ignorable_Code_Point,
	unicode.Variation_Selector,
	{R16: []unicode.Range16{{Lo: 0x2800, Hi: 0x2800, Stride: 1}}},
}
