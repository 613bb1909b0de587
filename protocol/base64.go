// Base64 as the handshake needs it: encoding/base64 would be a third as large as
// the whole codec in WASM.

package protocol

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// base64Text is b in base64 with padding (RFC 4648 4).
func base64Text(b []byte) string {
	text := make([]byte, 0, (len(b)+2)/3*4)
	for len(b) > 0 {
		var group [3]byte
		n := copy(group[:], b)
		b = b[n:]
		bits := uint(group[0])<<16 | uint(group[1])<<8 | uint(group[2])
		for i := range 4 {
			c := base64Alphabet[bits>>(18-6*i)&63]
			if i > n {
				c = '='
			}
			text = append(text, c)
		}
	}
	return string(text)
}

// isBase64 reports whether text is n bytes in base64 with padding.
func isBase64(text string, n int) bool {
	padding := (3 - n%3) % 3
	if len(text) != (n+2)/3*4 {
		return false
	}
	for i := range len(text) {
		if i >= len(text)-padding {
			if text[i] != '=' {
				return false
			}
		} else if !isBase64Digit(text[i]) {
			return false
		}
	}
	return true
}

func isBase64Digit(c byte) bool {
	for i := range len(base64Alphabet) {
		if base64Alphabet[i] == c {
			return true
		}
	}
	return false
}
