// Pongs: what the reader answers by itself.

package websocket

import "framescope/protocol"

// keptPongs is how many bytes of pongs may wait. When they are more than that, the
// newest ping alone is answered, as RFC 6455 5.5.3 allows.
const keptPongs = 8 << 10

// answerPing sends a pong of the same payload, unless a close frame has been sent or
// received (RFC 6455 5.5.2). The reader waits neither for other writers nor for the
// socket.
func (c *Conn) answerPing(payload []byte) error {
	if c.pongs.Load() != nil || !c.writing.TryLock() {
		c.answerLater(payload)
		return nil
	}
	o := &c.out
	if o.n+protocol.MaxHeaderSize+len(payload) > bufferSize {
		c.writing.Unlock()
		c.answerLater(payload)
		return nil
	}
	if c.open() != nil {
		// Our close frame stands before it: the peer's is still to be read.
		c.writing.Unlock()
		return nil
	}
	first := o.n == 0
	c.put(pong, payload)
	if c.holdBack(first) {
		c.writing.Unlock()
		return nil
	}
	return c.endedBy(c.flushAside())
}

var pong = protocol.Header{Fin: true, Opcode: protocol.OpPong}

// answerLater leaves a pong to a goroutine, of which there is one at most.
func (c *Conn) answerLater(payload []byte) {
	h := pong
	if c.side == protocol.Client {
		h.Masked, h.MaskingKey = true, newMaskingKey()
	}
	wire := frame(h, payload)
	protocol.Mask(h.MaskingKey, 0, wire[len(wire)-len(payload):])
	for {
		waiting := c.pongs.Load()
		all := wire
		if waiting != nil && len(*waiting)+len(wire) <= keptPongs {
			all = append((*waiting)[:len(*waiting):len(*waiting)], wire...)
		}
		if !c.pongs.CompareAndSwap(waiting, &all) {
			continue
		}
		if waiting == nil {
			go c.sendPongs()
		}
		return
	}
}

// sendPongs sends the pongs that wait, unless another writer has done so meanwhile. The
// write timeout bounds it.
func (c *Conn) sendPongs() {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.open() == nil && c.putPongs() == nil {
		_ = c.flush() // a failure has ended the connection
	}
}

// putPongs adds the pongs that wait to what leaves next: who answers a message leaves
// the pong of a ping before it where it belongs. c.writing is held.
func (c *Conn) putPongs() error {
	if c.pongs.Load() == nil {
		return nil
	}
	wire, o := *c.pongs.Swap(nil), &c.out
	if o.n+len(wire) > bufferSize {
		if err := c.flush(); err != nil {
			return err
		}
	}
	if o.buf == nil {
		o.buf = takeBuffer()
	}
	o.n += copy(o.buf[o.n:], wire)
	return nil
}
