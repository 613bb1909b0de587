// The two ends of a connection.

package protocol

// Side is an end of the connection, named as the sender of bytes.
type Side uint8

const (
	Client Side = 0 // sent the opening handshake; masks its frames
	Server Side = 1 // answered it; never masks
)

// Peer returns the other end.
func (s Side) Peer() Side { return s ^ 1 }

func (s Side) String() string {
	if s == Client {
		return "client"
	}
	return "server"
}
