// Base64 of a handshake: encoded, and checked without decoding it. With encoding/base64 and what it
// needs the WASM module would be 6 KB larger.

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

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// encodeBase64 encodes b (RFC 4648 4).
func encodeBase64(b []byte) string {
	var text []byte
	for ; len(b) > 0; b = b[min(3, len(b)):] {
		var group [3]byte
		n := copy(group[:], b)
		bits := uint(group[0])<<16 | uint(group[1])<<8 | uint(group[2])
		for i := range 4 {
			c := byte('=')
			if i <= n {
				c = base64Alphabet[bits>>18&63]
			}
			text = append(text, c)
			bits <<= 6
		}
	}
	return string(text)
}
