// CloseError, and what causes it.

package websocket

import (
	"errors"
	"strings"
)

// CloseError says how a connection ended. Code and Reason are those of the peer's close
// frame (RFC 6455 7.1.5), or of ours if a breach or a limit made us send it; Code is 1006
// if there was no close frame.
type CloseError struct {
	Code    CloseCode
	Reason  string
	cause   error
	writing bool // a write failed: what came before can still be read
	byUs    bool // this end had begun to close when the connection ended
}

func (e *CloseError) Error() string {
	text, cause := "websocket: closed with "+e.Code.String(), ""
	if e.cause != nil {
		cause = e.cause.Error()
	}
	if e.Reason != "" && !strings.Contains(cause, e.Reason) { // the text of a breach has its reason
		text += ": " + e.Reason
	}
	if cause != "" {
		text += ": " + cause
	}
	return text
}

func (e *CloseError) Unwrap() error { return e.cause }

// Errors of connections: causes of a [CloseError], or returned by a write or [Conn.Ping].
var (
	ErrClosed      = error(closedError{}) // errors.Is(ErrClosed, net.ErrClosed) is true
	ErrNoPong      = errors.New("websocket: the peer did not answer a ping")
	ErrSlowFrame   = errors.New("websocket: a frame took too long to arrive")
	ErrSlowMessage = errors.New("websocket: a message took too long to arrive")
	ErrSlowReader  = errors.New("websocket: the peer reads too slowly")
)
