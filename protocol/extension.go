// The list of extensions that a handshake offers or accepts.

package protocol

import "strings"

// Extension is one element of a Sec-WebSocket-Extensions list (RFC 6455 9.1).
type Extension struct {
	Name   string
	Params []Param
}

// Param is a parameter of an extension. Without a value Value is empty.
type Param struct{ Name, Value string }

// ParseExtensions reads all Sec-WebSocket-Extensions fields of a head. ok is false
// when they are not such a list, which fails the handshake (RFC 6455 9.1).
func ParseExtensions(values []string) (list []Extension, ok bool) {
	for _, rest := range values {
		for more := true; more; {
			var element string
			element, rest, more = strings.Cut(rest, ",")
			if trim(element) == "" {
				continue // RFC 9110 5.6.1: empty elements are ignored
			}
			e, ok := parseExtension(element)
			if !ok {
				return nil, false
			}
			list = append(list, e)
		}
	}
	return list, true
}

func parseExtension(element string) (e Extension, ok bool) {
	name, rest, more := strings.Cut(element, ";")
	e.Name = trim(name)
	ok = IsToken(e.Name)
	for ok && more {
		var param string
		param, rest, more = strings.Cut(rest, ";")
		name, value, has := strings.Cut(param, "=")
		p := Param{Name: trim(name), Value: unquoted(trim(value))}
		ok = IsToken(p.Name) && (!has || IsToken(p.Value))
		e.Params = append(e.Params, p)
	}
	return e, ok
}

// unquoted returns the content of a quoted-string, which must be a token. So a backslash
// in it can only precede a character of a token.
func unquoted(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var plain []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		plain = append(plain, s[i])
	}
	return string(plain)
}

// IsToken reports whether s is a token (RFC 9110 5.6.2).
func IsToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= 0x80 || tokenBytes[c>>6]>>(c&63)&1 == 0 {
			return false
		}
	}
	return s != ""
}

// tokenBytes has a bit set for each byte that a token may have: all that are printed, but for
// the delimiters.
var tokenBytes = [2]uint64{0x03ff6cfa00000000, 0x57ffffffc7fffffe}
