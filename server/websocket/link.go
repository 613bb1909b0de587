// The link: what the two halves of a connection share, which is the socket, the limits,
// and how the connection ends.

package websocket

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"

	"framescope/protocol"
	"framescope/server/memory"
)

// link is the bottom of a connection. It ends once, for the first reason that is given.
type link struct {
	socket
	side    protocol.Side
	owner   owner
	options *Options       // not to be changed
	account memory.Account // of what the connection keeps, with options.Memory
	closeBy deadline       // when a close handshake must be over

	ending  sync.Mutex // guards done, and the first end
	ended   atomic.Bool
	evicted atomic.Uint32 // why, by the budget of memory: one of those below; 0 if it is not
	err     *CloseError   // why it ended, or is about to; written before ended is set
	done    chan struct{} // nil until Done is called
}

// owner is the connection that a link belongs to.
type owner interface {
	memory.Holder
	afterEnd() // called once, when the link has ended
}

// The values of link.evicted.
const (
	evictedFull     = 1 + iota // memory.ErrFull
	evictedTooLarge            // memory.ErrTooLarge
)

// smallMemory is how many bytes a connection may keep without waiting for memory; if none is
// left, others are evicted for them.
const smallMemory = 4 << 10

// keep counts n more bytes that the connection keeps, and letGo n fewer.
func (l *link) keep(n int64) {
	if b := l.options.Memory; b != nil {
		b.Add(&l.account, l.owner, n)
	}
}

func (l *link) letGo(n int64) { l.options.Memory.Sub(&l.account, n) }

// keepMore is keep, or letGo of -n bytes.
func (l *link) keepMore(n int64) {
	if n < 0 {
		l.letGo(-n)
		return
	}
	l.keep(n)
}

// Err returns why the connection ended, nil while it has not.
func (l *link) Err() error {
	if l.ended.Load() {
		return l.err
	}
	return nil
}

// Done returns a channel that is closed when the connection has ended.
func (l *link) Done() <-chan struct{} {
	l.ending.Lock()
	defer l.ending.Unlock()
	if l.done == nil {
		l.done = make(chan struct{})
		if l.ended.Load() {
			close(l.done)
		}
	}
	return l.done
}

// setCloseCause sets why the connection is about to end, if nothing has set it before.
func (l *link) setCloseCause(why *CloseError) {
	l.ending.Lock()
	defer l.ending.Unlock()
	l.setErr(why)
}

// setErr sets why the connection ends, if nothing has set it before; ending is held.
func (l *link) setErr(why *CloseError) {
	if l.err == nil {
		why.byUs = l.closeBy.get() != 0
		l.err = why
	}
}

// beginClose begins a close handshake of ours, which CloseTimeout bounds.
func (l *link) beginClose() {
	if l.closeBy.get() == 0 {
		l.closeBy.store(now().add(l.options.CloseTimeout))
	}
}

// end closes the socket; the first reason counts. The caller holds no lock of the outbound
// half.
func (l *link) end(why *CloseError) {
	if l.markEnded(why) {
		l.owner.afterEnd()
	}
}

func (l *link) markEnded(why *CloseError) (first bool) {
	l.ending.Lock()
	defer l.ending.Unlock()
	if l.ended.Load() {
		return false
	}
	l.setErr(why)
	l.ended.Store(true)
	l.nc.Close()
	l.options.Memory.Close(&l.account)
	if l.done != nil {
		close(l.done)
	}
	return true
}

// endedBy ends the connection because of err, if it has not ended yet, and returns
// why it ended. If err is nil it does nothing.
func (l *link) endedBy(err error) error {
	if err == nil {
		return nil
	}
	l.end(&CloseError{Code: protocol.CloseAbnormal, cause: err})
	return l.err
}

// drop is end for a peer that does not read: the kernel's send buffer is discarded as well.
func (l *link) drop(why *CloseError) {
	if nc, ok := l.nc.(interface{ SetLinger(int) error }); ok && !l.ended.Load() {
		_ = nc.SetLinger(0)
	}
	l.end(why)
}

// isTimeout reports whether err says that a deadline has passed. errors.As would ask for
// net.Error by reflection, which takes longer, and more stack, than all else at a connection's
// end.
func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}
