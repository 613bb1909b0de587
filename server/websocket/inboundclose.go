// How the inbound half ends a connection: at the peer's close frame, or at a fault of the peer.

package websocket

import "framescope/protocol"

// peerClosed answers the peer's close frame and ends the connection.
func (in *inbound) peerClosed(payload []byte) error {
	code, reason, _ := protocol.ParseClosePayload(payload)
	closed := &CloseError{Code: code, Reason: string(reason)}
	in.releaseMessage()
	// RFC 6455 5.5.1: answer with a close frame, typically of the same code.
	in.closeAndEnd(closed, "")
	return closed
}

// fail closes the connection because of the peer's fault (RFC 6455 7.1.7). The received part of
// a message is released before the close frame is sent, which may take a while.
func (in *inbound) fail(code protocol.CloseCode, reason string, cause error) error {
	in.releaseMessage()
	failed := &CloseError{Code: code, Reason: reason, cause: cause}
	if record, ok := in.link.nc.(abandoner); ok {
		record.Abandon()
	}
	in.closeAndEnd(failed, reason)
	return failed
}

func (in *inbound) failBreach() error {
	breach := in.decoder.Breach()
	return in.fail(breach.Rule.CloseCode(), breach.Text(), breach)
}

// closeAndEnd sends our close frame, with a reason, lets it arrive and ends the connection.
// It uses nothing that mu guards.
func (in *inbound) closeAndEnd(why *CloseError, reason string) {
	in.link.setCloseCause(why)
	if in.out.sendClose(why.Code, reason) == nil {
		in.link.linger()
	}
	in.link.end(why)
}

// abandoner is a connection that records frames. Abandon is called when the reader stops reading
// the current one: its received part is recorded before the close frame that answers it.
type abandoner interface{ Abandon() }

// readUntilEnd reads and drops messages until the connection ends, unless another goroutine reads.
func (in *inbound) readUntilEnd() {
	if !in.mu.TryLock() {
		return
	}
	defer in.mu.Unlock()
	in.leaveMessage()
	for {
		if _, _, err := in.nextMessage(); err != nil {
			return
		}
	}
}

// lingerIfIdle lingers, unless another goroutine reads.
func (in *inbound) lingerIfIdle() {
	if in.mu.TryLock() {
		in.link.linger()
		in.mu.Unlock()
	}
}
