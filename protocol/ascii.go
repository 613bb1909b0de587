// Text of HTTP: ASCII letters and tokens.

package protocol

import "strings"

// Called from many places, these are not inlined: that would make the WASM module 2 KB larger.

// equalFold compares without regard to ASCII case. To strings.EqualFold the Kelvin
// sign, which no token of HTTP may contain, equals a k.
//
//go:noinline
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// trim cuts optional white space from both ends (RFC 9110 5.6.3).
//
//go:noinline
func trim(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// nextToken cuts the first element off a comma-separated list.
//
//go:noinline
func nextToken(list string) (token, rest string, more bool) {
	token, rest, more = strings.Cut(list, ",")
	return trim(token), rest, more
}
