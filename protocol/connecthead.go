// The heads of a handshake over HTTP/2, which are no text on the wire, as text.

package protocol

import (
	"slices"
	"strconv"
	"strings"
)

// AppendConnectHead appends the head of an extended CONNECT (RFC 8441 4): a first line such as
// that of HTTP/1.1, the pseudo-fields, then the fields by their names, which HTTP/2 has in lower
// case. [ParseHead] reads it.
func AppendConnectHead(dst []byte, scheme, authority, path string, fields map[string][]string) []byte {
	dst = append(dst, "CONNECT "+strings.ReplaceAll(path, " ", "%20")+" HTTP/2.0\r\n"...)
	dst = appendField(dst, ":method", "CONNECT")
	for _, value := range fields[ProtocolField] {
		dst = appendField(dst, ProtocolField, value)
	}
	dst = appendField(dst, ":scheme", scheme)
	dst = appendField(dst, ":path", path)
	dst = appendField(dst, ":authority", authority)
	return appendFields(dst, fields)
}

// AppendConnectAnswer appends the head of the answer.
func AppendConnectAnswer(dst []byte, status int, fields map[string][]string) []byte {
	code := strconv.Itoa(status)
	dst = append(dst, "HTTP/2.0 "+code+"\r\n"...)
	return appendFields(appendField(dst, ":status", code), fields)
}

// appendFields appends all but pseudo-fields, and the end of the head.
func appendFields(dst []byte, fields map[string][]string) []byte {
	names := make([]string, 0, len(fields))
	for name := range fields {
		if !strings.HasPrefix(name, ":") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range fields[name] {
			dst = appendField(dst, strings.ToLower(name), value)
		}
	}
	return append(dst, "\r\n"...)
}

func appendField(dst []byte, name, value string) []byte {
	return append(dst, name+": "+value+"\r\n"...)
}
