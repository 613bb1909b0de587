// Names of package protocol that users of this package need, so that one import is enough.

package websocket

import "framescope/protocol"

type (
	// Opcode says what a frame or message carries: [Text] or [Binary] for messages.
	Opcode = protocol.Opcode
	// CloseCode is the code of a close frame, which says why a connection ends.
	CloseCode = protocol.CloseCode
	// Side is an end of a connection: client or server.
	Side = protocol.Side
	// Deflate has the parameters of permessage-deflate that both ends agreed on.
	Deflate = protocol.Deflate
	// Breach is a rule that the peer broke, the cause of a [CloseError].
	Breach = protocol.Breach
	// HandshakeError says why a handshake failed or was refused.
	HandshakeError = protocol.HandshakeError
)

// The opcodes of messages.
const (
	Text   = protocol.OpText
	Binary = protocol.OpBinary
)

// The two ends of a connection, for [NewConn].
const (
	ClientSide = protocol.Client
	ServerSide = protocol.Server
)

// Close codes (RFC 6455 7.4.1 and the IANA registry); 3000 to 4999 are free for libraries and
// applications.
const (
	CloseNormal             = protocol.CloseNormal
	CloseGoingAway          = protocol.CloseGoingAway
	CloseProtocolError      = protocol.CloseProtocolError
	CloseUnsupportedData    = protocol.CloseUnsupportedData
	CloseNoStatus           = protocol.CloseNoStatus // no code was sent; never on the wire
	CloseAbnormal           = protocol.CloseAbnormal // no close frame at all; never on the wire
	CloseInvalidPayload     = protocol.CloseInvalidPayload
	ClosePolicy             = protocol.ClosePolicy
	CloseMessageTooBig      = protocol.CloseMessageTooBig
	CloseMandatoryExtension = protocol.CloseMandatoryExtension
	CloseInternalError      = protocol.CloseInternalError
	CloseServiceRestart     = protocol.CloseServiceRestart
	CloseTryAgainLater      = protocol.CloseTryAgainLater
	CloseBadGateway         = protocol.CloseBadGateway
	CloseTLSHandshake       = protocol.CloseTLSHandshake // never on the wire
)

// MaxControlPayload is the longest payload of a ping, pong or close frame, in bytes.
const MaxControlPayload = protocol.MaxControlPayload
