// Writing to the socket, and waiting for it: at most as long as a write may take.

package websocket

import (
	"errors"
	"fmt"
	"time"

	"framescope/protocol"
)

// blockedSize is what a writer that waits for the peer keeps, in bytes: the pending frames and,
// since the application does not read meanwhile, the input.
const blockedSize = 2 * bufferSize

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
		var done bool
		if done, err = o.raw.offer(&o.link.socket, o.pending.bytes()); !done {
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
		o.beginWait()
		_ = o.wrote(o.raw.push(&o.link.socket)) // a failure has ended the connection
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
		o.beginWait()
		_, err := o.link.nc.Write(b)
		return o.wrote(err)
	}
	done, err := o.raw.offer(&o.link.socket, b)
	if !done {
		o.beginWait()
		err = o.raw.push(&o.link.socket)
	}
	return o.wrote(err)
}

// beginWait gives the writer, which has to wait for the socket, a deadline. It has one for all that
// it sends until it releases its role: progress does not prolong it. mu is not held.
func (o *outbound) beginWait() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fanning {
		o.fanning = false
		allQueues.leave()
	}
	if o.waitsBy.get() == 0 {
		o.waitsBy.store(now().add(o.link.options.WriteTimeout))
		o.armWrite()
		o.link.keep(blockedSize)
	}
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
