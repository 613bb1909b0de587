// Lingering: the socket is not closed before what was sent has arrived.

package websocket

import (
	"io"
	"sync/atomic"
	"time"

	"framescope/protocol"
)

const (
	lingerTime  = time.Second
	lingerBytes = 1 << 20
	// maxLingering is how many connections linger at a time: each takes tens of KiB for that.
	maxLingering = 512
)

var lingering atomic.Int32

// linger lets our close frame arrive: closing a socket with unread bytes resets
// it, and a reset can overtake what was sent. So a server closes only its sending half, and
// discards what it receives until the peer closes, too. A client waits for the server to
// close first (RFC 6455 7.1.1). When very many connections close at once, most do not linger.
func (l *link) linger() {
	defer lingering.Add(-1)
	if lingering.Add(1) > maxLingering {
		return
	}
	if l.side == protocol.Server {
		half, ok := l.nc.(interface{ CloseWrite() error })
		if !ok || half.CloseWrite() != nil {
			return
		}
	}
	until := now().add(min(lingerTime, l.options.CloseTimeout))
	for left := int64(lingerBytes); left > 0 && now() < until; {
		l.nc.SetReadDeadline(until.time())
		n, err := io.CopyN(io.Discard, l.nc, left)
		if left -= n; !isTimeout(err) {
			return // a timeout may be that of another deadline
		}
	}
}
