// Compression: what the application chooses of permessage-deflate.

package websocket

import "framescope/protocol"

// Compression says what is made of permessage-deflate (RFC 7692). The zero value
// agrees to it, compresses each message by itself, and takes what the peer
// compresses with context takeover.
type Compression struct {
	// Off declines it, or does not offer it.
	Off bool
	// ContextTakeover lets our messages build on those before, which makes alike
	// ones much smaller. It keeps about 700 KiB of memory a connection.
	ContextTakeover bool
	// PeerNoContextTakeover asks the peer to compress each message by itself, which
	// saves up to 64 KiB a connection here.
	PeerNoContextTakeover bool
	// WindowBits bounds our window to 1<<WindowBits bytes, PeerWindowBits the
	// peer's, if it can: 8 to 15; 0 is 15.
	WindowBits, PeerWindowBits int
	// Level is 1, the fastest, to 9; 0 is 1. Where our window has less than 15 bits, by
	// WindowBits or because the peer asks for it, the level has no effect: there is one way
	// to compress in smaller windows, about as fast and as good as level 5.
	Level int
	// Threshold is the smallest message in bytes that is compressed; 0 is 256. One
	// that is written in parts is compressed in any case.
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
