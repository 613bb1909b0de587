// Moments and deadlines that no step of the wall clock moves.

package websocket

import (
	"sync/atomic"
	"time"
)

// clock is a moment, in nanoseconds since the program began: half the price of
// [time.Now]. As a deadline 0 is none.
type clock int64

var began = time.Now().Add(-1) // so that 0 is no moment

func now() clock { return clock(time.Since(began)) }

func (t clock) add(d time.Duration) clock { return t + clock(d) }

// time is the moment for a net.Conn, whose none is the zero time.
func (t clock) time() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return began.Add(time.Duration(t))
}

// sooner is the earlier of two deadlines.
func sooner(a, b clock) clock {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// passed reports whether a deadline, if there is one, is over.
func (t clock) passed(now clock) bool { return t != 0 && now >= t }

// deadline is one that any goroutine may set.
type deadline struct{ at atomic.Int64 }

func (d *deadline) get() clock    { return clock(d.at.Load()) }
func (d *deadline) store(t clock) { d.at.Store(int64(t)) }
func (d *deadline) none()         { d.at.Store(0) }

// farthest is far enough away never to come, and near enough to be added to.
const farthest = time.Duration(1 << 62)

// set takes over the caller's, whatever clock it is by.
func (d *deadline) set(t time.Time) {
	if t.IsZero() {
		d.none()
		return
	}
	left := max(min(time.Until(t), farthest), -farthest)
	d.store(max(now().add(left), 1))
}
