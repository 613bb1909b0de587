// Read limits: how long we wait for the peer.

package websocket

import (
	"math"
	"time"
)

// readLimits says when the peer has kept us waiting for too long. Only time for which we wait
// counts, not what the application takes between reads.
type readLimits struct {
	armed   clock         // when one of the limits ends the wait, by the deadline that was set last
	waited  time.Duration // for the current frame or, between frames, since the last byte
	message time.Duration // waited for the current message
	bytes   uint32        // of the frame that came while we waited, at most the largest uint32
	pinged  bool          // the peer was pinged because it was silent; any byte is an answer
}

// unfinished says what the peer has begun and not finished.
type unfinished struct{ frame, message bool }

// received counts n bytes and the time for which we have waited for them.
func (r *readLimits) received(n int, u unfinished, waited time.Duration) {
	r.pinged = false
	if u.message {
		r.message += waited
	}
	if !u.frame {
		r.waited = 0
		return
	}
	r.bytes = uint32(min(uint64(r.bytes)+uint64(n), math.MaxUint32))
	r.waited += waited
}

// silent counts time for which we have waited without receiving anything.
func (r *readLimits) silent(u unfinished, waited time.Duration) {
	r.waited += waited
	if u.message {
		r.message += waited
	}
}

func (r *readLimits) frameEnds() { r.waited, r.bytes = 0, 0 }

func (r *readLimits) messageEnds() { r.message = 0 }

// frameTime returns how long the current frame may take in all.
func (r *readLimits) frameTime(o *Options) time.Duration {
	return o.FrameTimeout + time.Duration(r.bytes/minFrameRate)*time.Second
}

// messageTime returns how long the current message, of which size bytes have been received, may
// take in all.
func (r *readLimits) messageTime(o *Options, size uint64) time.Duration {
	return o.MessageTimeout + time.Duration(min(size/minFrameRate, uint64(farthest/time.Second/2)))*time.Second
}

// remaining returns how much longer we wait: for the current frame and message, for the answer to
// a ping or, while the peer is idle, before it is pinged. size is as for messageTime.
func (r *readLimits) remaining(o *Options, u unfinished, size uint64) time.Duration {
	left := o.IdleTimeout - r.waited
	switch {
	case u.frame:
		left = r.frameTime(o) - r.waited
	case r.pinged:
		left = o.PongTimeout - r.waited
	}
	if u.message {
		left = min(left, r.messageTime(o, size)-r.message)
	}
	return left
}
