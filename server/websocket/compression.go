// Compression: how the application wants to use permessage-deflate.

package websocket

import "framescope/protocol"

// Compression says how permessage-deflate (RFC 7692) is used. With the zero value it is
// agreed to or offered; our messages are compressed each by itself, and the peer may use
// context takeover.
type Compression struct {
	// Off declines it, as a server, or does not offer it, as a client.
	Off bool
	// ContextTakeover lets our messages build on earlier ones, which makes similar
	// messages much smaller. It takes about 700 KiB of memory for each connection.
	ContextTakeover bool
	// PeerNoContextTakeover asks the peer to compress each message by itself, which
	// saves up to 64 KiB for each connection here.
	PeerNoContextTakeover bool
	// WindowBits limits our window to 1<<WindowBits bytes, and PeerWindowBits the
	// peer's if the peer supports that: 8 to 15; 0 is 15.
	WindowBits, PeerWindowBits int
	// Level is 1, the fastest, to 9; 0 is 1. It has no effect if our window has less than 15
	// bits, by WindowBits or because the peer asks for it: such windows are always
	// compressed about as fast and as well as by level 5.
	Level int
	// Threshold is the smallest size in bytes of a message that is compressed; 0 is 256.
	// A message that is written in parts is compressed in any case.
	Threshold int
}

// wishes are the parameters that the given side asks for.
func (o Compression) wishes(us protocol.Side) protocol.Deflate {
	d := protocol.Deflate{
		On:                      !o.Off,
		ServerNoContextTakeover: !o.ContextTakeover,
		ClientNoContextTakeover: o.PeerNoContextTakeover,
		ServerMaxWindowBits:     windowBits(o.WindowBits),
		ClientMaxWindowBits:     windowBits(o.PeerWindowBits),
	}
	if us == protocol.Client {
		d.ServerNoContextTakeover, d.ClientNoContextTakeover = d.ClientNoContextTakeover, d.ServerNoContextTakeover
		d.ServerMaxWindowBits, d.ClientMaxWindowBits = d.ClientMaxWindowBits, d.ServerMaxWindowBits
	}
	return d
}

// windowBits is n as a parameter of the handshake, where 0 is the default of 15.
func windowBits(n int) uint8 {
	if n <= 0 || n >= 15 {
		return 0
	}
	return uint8(max(n, 8))
}
