// The close code in an error.

package websocket

import (
	"errors"
	"net"
)

// CloseStatus returns the close code of the [CloseError] in err's chain. If there is none, it
// returns 0, which no close frame can have: the connection has not ended, or err does not say
// how. CloseAbnormal means that there was no close frame.
func CloseStatus(err error) CloseCode {
	var closed *CloseError
	if errors.As(err, &closed) {
		return closed.Code
	}
	return 0
}

// Is reports whether target is [net.ErrClosed] and this end closed the connection, by Close,
// CloseNow or Shutdown, rather than the peer, a broken rule or a limit.
func (e *CloseError) Is(target error) bool { return target == net.ErrClosed && e.byUs }

// closedError is the type of ErrClosed.
type closedError struct{}

func (closedError) Error() string { return "websocket: the connection is closed" }

// Is makes errors.Is(ErrClosed, net.ErrClosed) true.
func (closedError) Is(target error) bool { return target == net.ErrClosed }
