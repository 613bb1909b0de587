// Writing to the socket, and waiting for it: at most as long as a write may take.

package websocket

import (
	"errors"
	"fmt"
	"math"
	"time"

	"framescope/protocol"
)

// blockedSize is what a writer that waits for the peer keeps, in bytes: the pending frames and,
// since the application does not read meanwhile, the input.
const blockedSize = 2 * bufferSize

// timeOfByte is how long a byte may take at minFrameRate.
const timeOfByte = clock(time.Second) / minFrameRate

// flush writes the pending frames. The caller is the writer; mu is held, but not meanwhile.
func (o *outbound) flush() error {
	if o.pending.n == 0 {
		return nil
	}
	o.mu.Unlock()
	err := o.flushPending()
	o.mu.Lock()
	return err
}

// flushPending is flush without mu.
func (o *outbound) flushPending() error {
	if o.pending.n == 0 {
		return nil
	}
	err := o.write(o.pending.bytes())
	o.pending.n = 0
	return err
}

// flushAside writes the pending frames and releases the role, for a caller that must not wait for
// the socket: the peer may wait for the reader. What the socket does not take at once is left to
// a goroutine, which the role is passed on to. The caller is the writer; mu is not held.
func (o *outbound) flushAside() (err error) {
	if !o.link.direct() {
		go o.finishFlush(false)
		return nil
	}
	if o.pending.n > 0 {
		var n int
		if n, err = o.raw.offer(&o.link.socket, o.pending.bytes()); n < int(o.pending.n) && err == nil {
			go o.finishFlush(true)
			return nil
		}
		err = o.wrote(err)
	}
	o.mu.Lock()
	o.pending.n = 0
	o.release()
	o.mu.Unlock()
	return err
}

// finishFlush does what flushAside has left: begun says that a part is written already.
func (o *outbound) finishFlush(begun bool) {
	if begun {
		_ = o.wrote(o.push()) // a failure has ended the connection
		o.pending.n = 0
	} else {
		_ = o.flushPending()
	}
	o.mu.Lock()
	o.release()
	o.mu.Unlock()
}

// write writes b to the socket and waits until it has taken all. The caller is the writer; mu is
// not held.
func (o *outbound) write(b []byte) error {
	if !o.link.direct() {
		return o.wrote(o.writeConn(b))
	}
	waits := o.waits()
	if waits {
		o.beginWait() // anew, if it may
	}
	n, err := o.raw.offer(&o.link.socket, b)
	if waits {
		o.countSent(n)
	}
	if n < len(b) && err == nil {
		err = o.push()
	}
	return o.wrote(err)
}

// writeConn is write through the net.Conn, in pieces: WriteTimeout may begin anew between them.
func (o *outbound) writeConn(b []byte) error {
	for {
		o.beginWait()
		n, err := o.link.nc.Write(b[:min(len(b), bufferSize)])
		o.countSent(n)
		if b = b[n:]; err != nil || len(b) == 0 {
			return err
		}
	}
}

// push waits until the socket has taken what it did not take at once.
func (o *outbound) push() error {
	o.beginWait()
	n, err := o.raw.push(&o.link.socket)
	o.countSent(n)
	return err
}

// countSent counts n bytes that the socket has taken. The caller is the writer.
func (o *outbound) countSent(n int) { o.sent += int32(min(n, math.MaxInt32-int(o.sent))) }

// beginWait gives the writer, which has to wait for the socket, a deadline. It has one for all that
// it sends until it releases its role, and a later one only if the peer keeps reading. That is judged
// between two writes, not during one: what a socket takes at first only fills its buffers. mu is
// not held.
func (o *outbound) beginWait() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fanning {
		o.fanning = false
		allQueues.leave()
	}
	first := !o.waits()
	if !first && !o.readsEnough() {
		return
	}
	o.sent = 0
	o.waitsBy.store(now().add(o.link.options.WriteTimeout))
	_ = o.armWrite()
	if first {
		o.link.keep(blockedSize)
	}
}

// readsEnough reports whether the peer has read at minFrameRate since WriteTimeout began: a few
// bytes now and then are not enough. A write that is cut is never prolonged. mu is held.
func (o *outbound) readsEnough() bool {
	now := now()
	began := o.waitsBy.get().add(-o.link.options.WriteTimeout)
	return !o.cut && !o.writeBy.passed(now) && clock(o.sent) > (now-began)/timeOfByte
}

// waits reports whether the writer waits for the socket.
func (o *outbound) waits() bool { return o.waitsBy.get() != 0 }

// endWait takes back what beginWait did; mu is held.
func (o *outbound) endWait() {
	if o.waitsBy.get() != 0 {
		o.waitsBy.none()
		o.armWrite()
		o.link.letGo(blockedSize)
	}
}

// armWrite sets the socket's write deadline. All changes of it are made here, with mu held: none
// outlasts what it was set for.
func (o *outbound) armWrite() error {
	if o.cut {
		return o.link.nc.SetWriteDeadline(epoch)
	}
	return o.link.nc.SetWriteDeadline(sooner(o.writeBy, o.waitsBy.get()).time())
}

func (o *outbound) setWriteDeadline(t time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writeBy = deadlineAt(t)
	o.wakeTurn() // goroutines that wait for a turn have another deadline now
	return o.armWrite()
}

// wrote ends the connection if a write failed, since part of a frame may have been sent; mu is
// not held.
func (o *outbound) wrote(err error) error {
	if err == nil {
		return nil
	}
	if isTimeout(err) {
		err = ErrSlowReader
	}
	err = fmt.Errorf("write frame: %w", err)
	failed := &CloseError{Code: protocol.CloseAbnormal, cause: err, writing: true}
	if errors.Is(err, ErrSlowReader) {
		o.link.drop(failed)
	} else {
		o.link.end(failed)
	}
	return failed
}
