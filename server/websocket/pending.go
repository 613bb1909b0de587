// Pending frames: a buffer of whole frames that are sent in one write.

package websocket

import (
	"time"

	"framescope/protocol"
)

const (
	// copyLimit is the longest payload that is copied behind its header, in bytes; a longer
	// one is handed to the kernel where it lies.
	copyLimit = 32 << 10
	// firstPiece is how much of a long frame is written before the remaining bytes: the peer
	// wakes up and reads while those are still being written.
	firstPiece = 16 << 10
	// holdTime is how long a frame is held at most.
	holdTime = time.Millisecond
)

// pending has a buffer only while there are frames.
type pending struct {
	buf     *buffer
	n       int32
	held    bool        // the timer was started for them
	overdue bool        // it fired while there was a writer; mu guards this always
	timer   *time.Timer // ends the hold; nil before the first
}

func (p *pending) bytes() []byte { return p.buf[:p.n] }

// fits reports whether n bytes of payload can be added with a header.
func (p *pending) fits(n int) bool { return int(p.n)+protocol.MaxHeaderSize+n <= bufferSize }

// add adds the header, and a payload up to copyLimit, for which there is space. It reports
// whether the frame is the first.
func (p *pending) add(h protocol.Header, payload []byte) (first bool) {
	first = p.n == 0
	b := protocol.AppendHeader(p.space(), h)
	if len(payload) <= copyLimit {
		b = appendMasked(b, h, payload)
	}
	p.n = int32(len(b))
	return first
}

// space is the frames that are there, to append to.
func (p *pending) space() []byte {
	if p.buf == nil {
		p.buf = getBuffer()
	}
	return p.buf[:p.n]
}

// appendMasked appends a payload as it is sent behind its header.
func appendMasked(b []byte, h protocol.Header, payload []byte) []byte {
	at := len(b)
	b = append(b, payload...)
	if h.Masked {
		protocol.Mask(h.MaskingKey, 0, b[at:])
	}
	return b
}

// discard drops the frames and puts the buffer back.
func (p *pending) discard() {
	if p.buf != nil {
		putBuffer(p.buf)
	}
	p.buf, p.n = nil, 0
	if p.held {
		p.held = false
		p.timer.Stop()
	}
}
