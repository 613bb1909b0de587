// The form of base64 in a handshake, checked without decoding it: the decoder of
// encoding/base64 would add 4 KB to the WASM module.

package protocol

// isBase64 reports whether text is n bytes in base64 with padding (RFC 6455 4.3:
// base64-value).
func isBase64(text string, n int) bool {
	digits := (8*n + 5) / 6
	if len(text) != (digits+3)/4*4 {
		return false
	}
	for i := range len(text) {
		if padding := i >= digits; padding != (text[i] == '=') || !padding && !isBase64Digit(text[i]) {
			return false
		}
	}
	return true
}

func isBase64Digit(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '+' || c == '/'
}
