// Waiting for the peer's bytes, and what happens when none arrive.

package websocket

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"framescope/protocol"
)

func (in *inbound) unfinished() unfinished {
	op, _ := in.decoder.Message()
	return unfinished{in.decoder.Pending() > 0 || !in.empty(), op != protocol.OpContinuation}
}

// messageSize returns how many bytes of the current message have been received.
func (in *inbound) messageSize() uint64 {
	_, declared := in.decoder.Message()
	return declared - min(declared, in.decoder.Pending())
}

// receive waits for bytes, at most as long as the limits allow: into to or, if that
// is nil, into the input. Frames that the outbound half holds are sent before.
func (in *inbound) receive(to []byte) (int, error) {
	if err := in.endHold(); err != nil {
		return 0, in.link.endedBy(err)
	}
	u := in.unfinished()
	for {
		from := in.armRead(u)
		if in.link.evicted.Load() != 0 {
			return 0, in.closeEvicted()
		}
		n, err := in.fill(to)
		if n > 0 {
			in.limits.received(n, u, time.Duration(now()-from))
			return n, nil
		}
		if err == nil {
			continue
		}
		if retry, err := in.readFailed(err, u, from); !retry {
			return 0, err
		}
	}
}

// readFailed decides what follows a read that failed after a wait: after a first silence
// the peer is pinged and gets another chance.
func (in *inbound) readFailed(err error, u unfinished, from clock) (retry bool, ended error) {
	if !isTimeout(err) {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return false, in.link.endedBy(err)
	}
	r, o, now, closeBy := &in.limits, in.link.options, now(), in.link.closeBy.get()
	r.silent(u, time.Duration(now-from))
	switch {
	case closeBy.passed(now):
		return false, in.link.endedBy(err)
	case closeBy == 0 && in.readUntil().passed(now):
		return false, fmt.Errorf("read message: %w", os.ErrDeadlineExceeded)
	case now < r.armed:
		r.armed = 0 // it was not the deadline of the limits that passed
		return true, nil
	case u.frame && r.waited >= r.frameTime(o):
		return false, in.fail(protocol.ClosePolicy, "a frame took too long to arrive", ErrSlowFrame)
	case u.message && r.message >= r.messageTime(o, in.messageSize()):
		return false, in.fail(protocol.ClosePolicy, "a message took too long to arrive", ErrSlowMessage)
	case u.frame:
		return true, nil
	case r.pinged:
		return false, in.fail(protocol.ClosePolicy, "no answer to a ping", ErrNoPong)
	}
	r.pinged, r.waited = true, 0
	if err := in.out.post(protocol.OpPing, nil); err != nil {
		return false, in.link.endedBy(err)
	}
	return true, nil
}

// armRead sets the read deadline and returns the present time. While the peer is idle the
// deadline is moved only once a quarter of its time is over: setting one costs more than reading
// a small message.
func (in *inbound) armRead(u unfinished) clock {
	r, o, nc, now := &in.limits, in.link.options, in.link.nc, now()
	if by := in.link.closeBy.get(); by != 0 {
		r.armed = by
		nc.SetReadDeadline(by.time())
		return now
	}
	want, idle := now.add(r.remaining(o, u, in.messageSize())), !u.frame && !u.message && !r.pinged
	if idle && in.readUntil() == 0 && r.armed < want && time.Duration(want-r.armed) < o.IdleTimeout/4 {
		return now
	}
	r.armed = want
	nc.SetReadDeadline(want.time())
	// SetReadDeadline and Close store their deadline before they wake the reader through the
	// socket, perhaps just before we have set ours: so look until it is the one that is set.
	for by, set := in.readUntil(), clock(0); by != 0 && by < want && by != set; by, set = in.readUntil(), by {
		nc.SetReadDeadline(by.time())
	}
	return now
}

// readUntil returns when reading ends whatever is received; 0 is never. The deadline of a
// close handshake replaces the application's.
func (in *inbound) readUntil() clock {
	if by := in.link.closeBy.get(); by != 0 {
		return by
	}
	if in.cancelled.Load() {
		return 1 // long past
	}
	return in.readBy.get()
}

// setReadDeadline stores the application's deadline and wakes a reader that waits, which goes on
// until t or the end of the limits.
func (in *inbound) setReadDeadline(t time.Time) error {
	in.readBy.store(deadlineAt(t))
	if t.IsZero() {
		return nil
	}
	return in.wake()
}

// wake wakes the reader if it waits, so that it checks the deadlines again.
func (in *inbound) wake() error { return in.link.nc.SetReadDeadline(epoch) }
