// Times and deadlines by the monotonic clock.

package websocket

import (
	"sync/atomic"
	"time"
)

// clock is a time in nanoseconds since an epoch; reading it takes half as long as
// [time.Now]. As a deadline, 0 is none.
type clock int64

// epoch has a monotonic reading, like any other time of this program. It is before the time at which
// the clock of a testing/synctest bubble starts, in 2000, so that a clock is positive there too.
var epoch = time.Now().Add(-40 * 365 * 24 * time.Hour)

func now() clock { return clock(time.Since(epoch)) }

func (t clock) add(d time.Duration) clock { return t + clock(d) }

// time converts t for a net.Conn, for which the zero time is no deadline.
func (t clock) time() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return epoch.Add(time.Duration(t))
}

// sooner is the earlier of two deadlines.
func sooner(a, b clock) clock {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// passed reports whether t is a deadline and is over.
func (t clock) passed(now clock) bool { return t != 0 && now >= t }

// deadline is a deadline that any goroutine may set and get.
type deadline struct{ at atomic.Int64 }

func (d *deadline) get() clock    { return clock(d.at.Load()) }
func (d *deadline) store(t clock) { d.at.Store(int64(t)) }
func (d *deadline) none()         { d.at.Store(0) }

// farthest is a duration that never ends in practice and does not overflow when now is added.
const farthest = time.Duration(1 << 62)

// deadlineAt converts a time of the application's; the zero time is no deadline.
func deadlineAt(t time.Time) clock {
	if t.IsZero() {
		return 0
	}
	left := max(min(time.Until(t), farthest), -farthest)
	return max(now().add(left), 1)
}
