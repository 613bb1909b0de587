// HTTP on a tapped connection, before its frames: which bytes are the request that is
// being handled, and which follow it.

package tap

import (
	"errors"
	"net/http"
	"slices"

	"framescope/protocol"
)

// maxHeld bounds what is held of a connection while it is HTTP, in bytes: a head of 64 KiB,
// the 4 KiB that net/http adds to that, as much again in its buffer, and a byte that it
// reads ahead.
const maxHeld = 76 << 10

var (
	errHeadTooLong = errors.New("a request's head is longer than the 72 KiB that the capture takes")
	errOutOfStep   = errors.New("the capture reads another request at this place")
	errNotAttached = errors.New("the capture sees no requests: the server needs tap.Attach")
)

// requests follows what the peer sends while the connection is HTTP. It holds the received
// part of requests for which no handler has been called, without bodies.
type requests struct {
	decoder protocol.HTTPDecoder
	held    []byte
	body    bool   // the next bytes belong to the request that is being handled
	head    []byte // of that request, until its handler has returned
	err     error  // why the requests cannot be followed
}

// receive adds the peer's next bytes.
func (q *requests) receive(b []byte) {
	if q.body {
		b = q.skipBody(b)
	}
	switch {
	case q.err != nil || len(b) == 0:
	case len(q.held)+len(b) > maxHeld:
		q.fail(errHeadTooLong)
	default:
		q.held = append(q.held, b...)
	}
}

// skipBody skips the remaining bytes of a body and returns what follows it.
func (q *requests) skipBody(b []byte) []byte {
	for q.body && len(b) > 0 {
		ev, n, err := q.decoder.Next(b)
		if err != nil {
			q.fail(err)
			return nil
		}
		b = b[n:]
		q.body = !ev.End
	}
	return b
}

// next begins the request for which a handler is called: net/http has read its head, and
// the body of the previous request.
func (q *requests) next(r *http.Request) {
	q.head = nil
	if q.body {
		q.fail(errOutOfStep)
	}
	for q.err == nil && q.head == nil {
		ev, n, err := q.decoder.Next(q.held)
		switch {
		case err != nil:
			q.fail(err)
		case n == 0:
			q.fail(errOutOfStep)
		default:
			q.head, q.held, q.body = ev.Head, q.held[n:], !ev.End
		}
	}
	if q.err != nil {
		return
	}
	if asksForWebSocket(r) && !isHeadOf(q.head, r) {
		q.fail(errOutOfStep)
		return
	}
	if q.body {
		q.held = q.skipBody(q.held)
	}
	if len(q.held) == 0 {
		q.held = nil // an idle connection holds nothing
	}
}

// fail stops following the requests and holds nothing any more.
func (q *requests) fail(err error) { *q = requests{err: err} }

// isHeadOf reports whether net/http has parsed r from this head.
func isHeadOf(head []byte, r *http.Request) bool {
	h, _ := protocol.ParseHead(head)
	const key = "Sec-Websocket-Key"
	return h.StartLine == r.Method+" "+r.RequestURI+" "+r.Proto && slices.Equal(h.Values(key), r.Header.Values(key))
}

func asksForWebSocket(r *http.Request) bool {
	return protocol.HasToken(r.Header.Values("Upgrade"), "websocket")
}

// refuse refuses a request for a WebSocket that could not be recorded.
func refuse(w http.ResponseWriter, err error) {
	w.Header().Set("Connection", "close")
	if errors.Is(err, errNotAttached) {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	reason := err.Error()
	var malformed *protocol.HTTPError
	if errors.As(err, &malformed) {
		reason = malformed.Reason + " (" + malformed.Section + ")"
	}
	http.Error(w, "this connection cannot become a WebSocket: "+reason+"; connect anew", http.StatusBadRequest)
}
