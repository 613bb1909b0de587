// What net/http keeps for a stream that is not read, which is counted in the server's budget.

package websocket

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// servedConn is a connection with what is counted for its streams that are not read.
type servedConn struct {
	net.Conn
	unread atomic.Int64
}

// unreadTime is how long a write waits until the input counts. An application that waits for the peer
// reads nothing; but most writes over HTTP/2 take no time, and thousands may run at once.
const unreadTime = 250 * time.Millisecond

// unreadInput is what a peer may send while the application waits to write.
type unreadInput struct {
	conn      *servedConn // or nil, as in a client
	ofStream  int64       // at most, in bytes
	ofConn    int64
	countMore func(n int64) // in the budget, n may be negative; nil for none

	mu      sync.Mutex // guards the fields below, and is held while countMore runs
	counted int64
	ended   bool
}

// limit takes the limits of the stream of a request from net/http.
func (u *unreadInput) limit(r *http.Request, conn *servedConn) {
	u.conn, u.ofStream, u.ofConn = conn, 1<<20, 1<<20 // its defaults
	if s, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && s.HTTP2 != nil {
		if n := s.HTTP2.MaxReceiveBufferPerStream; n > 0 {
			u.ofStream = int64(n)
		}
		if n := s.HTTP2.MaxReceiveBufferPerConnection; n > 0 {
			u.ofConn = int64(n)
		}
	}
}

// count counts the input, unless its connection's other streams have all that it may have.
func (u *unreadInput) count() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.conn == nil || u.countMore == nil || u.counted > 0 || u.ended {
		return
	}
	n := min(u.ofStream, u.ofConn)
	if u.conn.unread.Add(n) > u.ofConn {
		u.conn.unread.Add(-n)
		return
	}
	u.counted = n
	u.countMore(n)
}

// uncount takes back what count did. ended says that nothing will be counted any more.
func (u *unreadInput) uncount(ended bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ended = u.ended || ended
	if u.counted > 0 {
		u.conn.unread.Add(-u.counted)
		u.countMore(-u.counted)
		u.counted = 0
	}
}
