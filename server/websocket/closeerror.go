// CloseError, and what causes it.

package websocket

import (
	"errors"
	"strings"

	"framescope/protocol"
)

// CloseError says how a connection ended: the code and reason of the peer's close
// frame (RFC 6455 7.1.5), of ours where a breach or a limit made us send it, or 1006
// when there was none.
type CloseError struct {
	Code    protocol.CloseCode
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
	if e.Reason != "" && !strings.Contains(cause, e.Reason) { // a breach says its reason itself
		text += ": " + e.Reason
	}
	if cause != "" {
		text += ": " + cause
	}
	return text
}

func (e *CloseError) Unwrap() error { return e.cause }

// Errors that end a connection, as cause of a [CloseError] or from a write.
var (
	ErrClosed      = error(closedError{}) // it is net.ErrClosed, too
	ErrNoPong      = errors.New("websocket: the peer did not answer a ping")
	ErrSlowFrame   = errors.New("websocket: a frame took too long to arrive")
	ErrSlowMessage = errors.New("websocket: a message took too long to arrive")
	ErrSlowReader  = errors.New("websocket: the peer reads too slowly")
)
