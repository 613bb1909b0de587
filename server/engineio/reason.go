// Why a session ended.

package engineio

import "strconv"

// Reason says why a session ended.
type Reason uint8

// The reasons. Their texts are those of the public protocol, where it has one.
const (
	_                    Reason = iota // the session has not ended
	ReasonTransportClose               // the peer closed the session, or its connection
	ReasonTransportError               // a request or connection failed, or came twice
	ReasonPingTimeout                  // the peer did not answer a ping in time
	ReasonParseError                   // the peer sent what is no packet
	ReasonForcedClose                  // Session.Close was called
	ReasonShutdown                     // Server.Shutdown was called
	ReasonSlowReader                   // too much waits for the peer
	ReasonMemory                       // the server's memory is used up
)

var reasonTexts = [...]string{
	ReasonTransportClose: "transport close",
	ReasonTransportError: "transport error",
	ReasonPingTimeout:    "ping timeout",
	ReasonParseError:     "parse error",
	ReasonForcedClose:    "forced close",
	ReasonShutdown:       "server shutting down",
	ReasonSlowReader:     "too slow",
	ReasonMemory:         "memory full",
}

func (r Reason) String() string {
	if int(r) < len(reasonTexts) && reasonTexts[r] != "" {
		return reasonTexts[r]
	}
	return "reason " + strconv.Itoa(int(r))
}
