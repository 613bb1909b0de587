// Header fields that the caller adds to a handshake: which are allowed, and how they are written.

package websocket

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"framescope/protocol"
)

var (
	// ErrRequest reports header fields, subprotocols or a host that cannot be sent. Dial has
	// sent nothing then.
	ErrRequest = errors.New("the request cannot be sent")
	// ErrResponse reports header fields of [AcceptOptions] that cannot be sent. The request
	// has been answered with 500 then.
	ErrResponse = errors.New("the response cannot be sent")
)

// checkRequestFields checks the fields that the caller adds to a request.
func checkRequestFields(header http.Header) error {
	return checkFields(header, ErrRequest, "Host")
}

// checkResponseFields checks the fields that the caller adds to a response.
func checkResponseFields(header http.Header) error {
	// RFC 9110 8.6, RFC 9112 6.1: a response with status 101 has no body.
	return checkFields(header, ErrResponse, "Content-Length", "Transfer-Encoding")
}

// checkFields returns an error that wraps kind if a field cannot be sent or is one of those that
// the caller may not set: those of the handshake itself, and the given ones.
func checkFields(header http.Header, kind error, reserved ...string) error {
	for name, values := range header {
		switch canonical := http.CanonicalHeaderKey(name); {
		case !protocol.IsToken(name):
			return fmt.Errorf("%w: %q is not a field name (RFC 9110 5.1)", kind, name)
		case strings.HasPrefix(canonical, "Sec-Websocket-") || canonical == "Upgrade" || canonical == "Connection" || slices.Contains(reserved, canonical):
			return fmt.Errorf("%w: the handshake sets the field %s itself: leave it out", kind, canonical)
		}
		for _, value := range values {
			if strings.ContainsFunc(value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7F }) {
				return fmt.Errorf("%w: the field %s has a character that is not allowed: %q (RFC 9110 5.5)", kind, name, value)
			}
		}
	}
	return nil
}

// checkHost checks a host for the Host field, with or without a port; "" is none.
func checkHost(host string) error {
	if strings.ContainsFunc(host, func(c rune) bool { return c <= ' ' || c >= 0x7F || strings.ContainsRune("/?#@\\", c) }) {
		return fmt.Errorf("%w: %q is not a host: give a name or an address, and perhaps a port (RFC 9110 7.2)", ErrRequest, host)
	}
	return nil
}

// appendFields appends a header's fields in the order of their names.
func appendFields(head []byte, header http.Header) []byte {
	if len(header) == 0 {
		return head
	}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			head = append(append(head, name...), ": "...)
			head = append(append(head, value...), "\r\n"...)
		}
	}
	return head
}

// checkSubprotocols keeps to RFC 6455 4.1: tokens, each once.
func checkSubprotocols(names []string) error {
	for i, name := range names {
		if !protocol.IsToken(name) {
			return fmt.Errorf("%w: the subprotocol %q is not a token: letters, digits and !#$%%&'*+-.^_`|~ only (RFC 6455 4.1)", ErrRequest, name)
		}
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("%w: the subprotocol %q is offered twice (RFC 6455 4.1)", ErrRequest, name)
		}
	}
	return nil
}
