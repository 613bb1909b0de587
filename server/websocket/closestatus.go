// How a connection ended, told from an error.

package websocket

import (
	"errors"
	"net"
)

// CloseStatus returns the close code that err tells of: that of the [CloseError] in its chain.
// It is 0, which no close frame can have, if there is none: because the connection has not
// ended, or because the error does not tell how. CloseAbnormal says that there was no close
// frame.
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

// Is makes ErrClosed what a closed net.Conn returns, too.
func (closedError) Is(target error) bool { return target == net.ErrClosed }
