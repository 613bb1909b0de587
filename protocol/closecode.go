// Close codes and the payload of a close frame.

package protocol

import (
	"encoding/binary"
	"strconv"
	"unicode/utf8"
)

// CloseCode says why a connection ends (RFC 6455 7.4.1 and the IANA registry).
type CloseCode uint16

const (
	CloseNormal             CloseCode = 1000
	CloseGoingAway          CloseCode = 1001
	CloseProtocolError      CloseCode = 1002
	CloseUnsupportedData    CloseCode = 1003
	CloseNoStatus           CloseCode = 1005 // no code was sent; never on the wire
	CloseAbnormal           CloseCode = 1006 // no close frame at all; never on the wire
	CloseInvalidPayload     CloseCode = 1007
	ClosePolicy             CloseCode = 1008
	CloseMessageTooBig      CloseCode = 1009
	CloseMandatoryExtension CloseCode = 1010
	CloseInternalError      CloseCode = 1011
	CloseServiceRestart     CloseCode = 1012
	CloseTryAgainLater      CloseCode = 1013
	CloseBadGateway         CloseCode = 1014
	CloseTLSHandshake       CloseCode = 1015 // never on the wire
)

// MaxCloseReason is the longest reason in bytes: a control payload less the code.
const MaxCloseReason = MaxControlPayload - 2

// closeNames are the names of the codes from 1000 on.
var closeNames = [...]string{
	0: "normal closure", 1: "going away", 2: "protocol error", 3: "unsupported data",
	5: "no status received", 6: "abnormal closure", 7: "invalid payload",
	8: "policy violation", 9: "message too big", 10: "mandatory extension",
	11: "internal error", 12: "service restart", 13: "try again later",
	14: "bad gateway", 15: "TLS handshake failed",
}

// Sendable reports whether the code may be sent in a close frame.
func (c CloseCode) Sendable() bool {
	switch {
	case c >= 3000 && c <= 4999: // RFC 6455 7.4.2: registered and private use
		return true
	case c < CloseNormal || c > CloseBadGateway:
		return false
	}
	// RFC 6455 7.4.1: 1004 is reserved, 1005 and 1006 must not be sent.
	return c != 1004 && c != CloseNoStatus && c != CloseAbnormal
}

// String names the code, "1000 normal closure"; an unknown one by its range.
func (c CloseCode) String() string {
	name := "undefined"
	switch {
	case c >= CloseNormal && int(c-CloseNormal) < len(closeNames):
		if known := closeNames[c-CloseNormal]; known != "" {
			name = known
		}
	case c >= 4000 && c <= 4999:
		name = "private use"
	case c >= 3000 && c <= 3999:
		name = "registered use"
	}
	return strconv.Itoa(int(c)) + " " + name
}

// AppendClosePayload appends the payload of a close frame. A reason of more than
// 123 bytes is cut between two characters. For CloseNoStatus it appends nothing.
func AppendClosePayload(dst []byte, code CloseCode, reason string) []byte {
	if code == CloseNoStatus {
		return dst
	}
	if len(reason) > MaxCloseReason {
		end := MaxCloseReason
		for end > 0 && !utf8.RuneStart(reason[end]) {
			end--
		}
		reason = reason[:end]
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(code))
	return append(dst, reason...)
}

// ParseClosePayload reads the payload of a close frame and returns the rules that
// it breaks. An empty payload is CloseNoStatus. The reason aliases p.
func ParseClosePayload(p []byte) (code CloseCode, reason []byte, broken Rules) {
	switch len(p) {
	case 0:
		return CloseNoStatus, nil, 0
	case 1:
		// RFC 6455 5.5.1: if there is a body, its first two bytes are the code.
		return CloseNoStatus, nil, RuleCloseLengthOne.Set()
	}
	code, reason = CloseCode(binary.BigEndian.Uint16(p)), p[2:]
	if !code.Sendable() {
		broken |= RuleCloseCodeInvalid.Set()
	}
	if !utf8.Valid(reason) {
		broken |= RuleCloseReasonUTF8.Set()
	}
	return code, reason, broken
}
