// Escapes: how bytes from the network are shown where people read them.

package decode

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// AppendEscaped appends p as one line of text that cannot control a terminal and hides nothing.
// Visible characters and tabs stay as they are. Control characters, characters that change the
// direction of text, other invisible ones and bytes that are not UTF-8 are escaped as in Go: \n,
// \x1b, \u202e.
func AppendEscaped(dst, p []byte) []byte { return appendEscaped(dst, p, false) }

// Escape returns s escaped as by AppendEscaped.
func Escape(s string) string { return string(AppendEscaped(nil, []byte(s))) }

// quoted returns p as a Go string literal. Tabs, quotes and backslashes are escaped too, so that every
// byte of p can be read from it.
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

// appendJSON appends a line of JSON, its invisible characters escaped; the strings in it stay the
// same. Control characters below a space are escaped in JSON anyway.
func appendJSON(dst, line []byte) []byte {
	from := 0
	for at := 0; at < len(line); {
		if line[at] < 0x7F {
			at++
			continue
		}
		c, n := utf8.DecodeRune(line[at:])
		if !visible(c) {
			dst = append(dst, line[from:at]...)
			for _, unit := range utf16.AppendRune(nil, c) {
				dst = fmt.Appendf(dst, `\u%04x`, unit)
			}
			from = at + n
		}
		at += n
	}
	return append(dst, line[from:]...)
}

// visible reports whether c can be seen and has no other effect.
func visible(c rune) bool {
	if c < utf8.RuneSelf {
		return c >= ' ' && c <= '~'
	}
	return strconv.IsPrint(c) && !unicode.Is(invisible, c)
}

// invisible are the characters that Unicode counts as letters, marks or symbols though
// nothing is seen of them: joiners and fillers, selectors of variants, and the empty
// Braille pattern.
var invisible = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x034F, Hi: 0x034F, Stride: 1},
		{Lo: 0x115F, Hi: 0x1160, Stride: 1},
		{Lo: 0x17B4, Hi: 0x17B5, Stride: 1},
		{Lo: 0x180B, Hi: 0x180F, Stride: 1},
		{Lo: 0x2800, Hi: 0x2800, Stride: 1},
		{Lo: 0x3164, Hi: 0x3164, Stride: 1},
		{Lo: 0xFE00, Hi: 0xFE0F, Stride: 1},
		{Lo: 0xFFA0, Hi: 0xFFA0, Stride: 1},
	},
	R32: []unicode.Range32{{Lo: 0xE0000, Hi: 0xE0FFF, Stride: 1}},
}
