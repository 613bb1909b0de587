// Reading: from the input through the decoder to whole messages.

package websocket

import "framescope/protocol"

// message is the data message that is being read.
type message struct {
	op        protocol.Opcode // OpContinuation between messages
	inflating bool            // and the decoder has been lent an Inflater for it
	kept      uint32          // KiB that the budget of memory knows of
	room      room            // what has come of it, unless it lies whole in the input
	// stream reads it in parts, if it is not nil.
	stream *messageReader
}

// ReadMessage waits for the next data message and returns its opcode, text or
// binary, and its payload, which is valid until the next call. Text is valid
// UTF-8. Control frames are answered on the way. The error is a [CloseError],
// whose cause is a [protocol.Breach] when the peer broke a rule; by then the
// close frame has been sent. Only a passed [Conn.SetReadDeadline] is another
// error, and leaves the connection as it is.
func (c *Conn) ReadMessage() (protocol.Opcode, []byte, error) {
	c.reading.Lock()
	op, p, err := c.readMessage()
	if err != nil {
		c.in.release()
	}
	c.holdAnswers()
	c.reading.Unlock()
	return op, p, err
}

func (c *Conn) readMessage() (protocol.Opcode, []byte, error) {
	m := &c.message
	if err := c.skipStream(); err != nil {
		return 0, nil, err
	}
	if m.op == protocol.OpContinuation {
		c.releaseRoom() // of the message before
	}
	for {
		ev, err := c.nextData()
		if err != nil {
			return 0, nil, err
		}
		fin := c.decoder.Header().Fin
		if ev.End && fin && m.room.bytes == nil && !c.decoder.Compressed() {
			op := m.op
			m.op = protocol.OpContinuation
			return op, ev.Data, nil // whole, in the input: no copy
		}
		if err := c.keep(ev); err != nil {
			return 0, nil, err
		}
		if fin && c.decoder.Pending() == 0 {
			op := m.op
			m.op = protocol.OpContinuation
			return op, m.room.bytes, nil
		}
	}
}

// nextData is the next event of a data frame. Its data are valid until the
// following call. Control frames before it are answered.
func (c *Conn) nextData() (protocol.Event, error) {
	for {
		if c.ended.Load() && !c.err.writing {
			return protocol.Event{}, c.err
		}
		ev, n := c.decoder.Next(c.in.bytes())
		if n == 0 {
			if _, err := c.receive(nil); err != nil {
				return ev, err
			}
			continue
		}
		c.in.take(n)
		data, err := c.handle(ev)
		if data || err != nil {
			return ev, err
		}
	}
}

// handle judges an event, answers a control frame, and says whether the event is
// one of a data frame.
func (c *Conn) handle(ev protocol.Event) (data bool, err error) {
	if err := c.judge(ev); err != nil {
		return false, err
	}
	op := c.decoder.Header().Opcode
	if op.Control() {
		return false, c.control(op, ev.Data)
	}
	if ev.Start && op != protocol.OpContinuation {
		c.message.op = op
	}
	return true, nil
}

// keep adds to the message what an event brought, and of a long frame the rest.
func (c *Conn) keep(ev protocol.Event) error {
	m := &c.message
	if c.decoder.Compressed() {
		return c.inflate(ev)
	}
	have := len(m.room.bytes) + len(ev.Data)
	if err := c.makeRoom(have); err != nil {
		return err
	}
	m.room.bytes = append(m.room.bytes, ev.Data...)
	return c.readLong()
}

// growth is how many times what has come a message's buffer may be.
const growth = 4

// makeRoom makes room for n bytes of the message, and for more: by what was
// received, not by what was declared, unless such room is there already. The budget knows of
// the room before it is taken.
func (c *Conn) makeRoom(n int) error {
	r := &c.message.room
	if n <= cap(r.bytes) && r.bytes != nil {
		return nil
	}
	if !c.decoder.Compressed() {
		_, declared := c.decoder.Message()
		if declared > uint64(n) {
			if kept, ok := keptRoom(declared); ok {
				if err := c.reserveMemory(cap(kept.bytes)); err != nil {
					return err
				}
				r.moveTo(kept, c.options.Memory)
				return nil
			}
		}
		n = max(n, int(min(declared, uint64(growth*n))))
	}
	if err := c.reserveMemory(roomSize(n)); err != nil {
		return err
	}
	r.grow(n, c.options.Memory)
	return nil
}

// readLong reads the rest of a long frame straight into the message.
func (c *Conn) readLong() error {
	m := &c.message
	for c.in.empty() && c.decoder.Pending() > bufferSize/4 {
		have := len(m.room.bytes)
		if have == cap(m.room.bytes) {
			if err := c.makeRoom(have + 1); err != nil {
				return err
			}
		}
		space := m.room.bytes[have:cap(m.room.bytes)]
		if left := c.decoder.Pending(); uint64(len(space)) > left {
			space = space[:left]
		}
		c.in.release()
		n, err := c.receive(space)
		if err != nil {
			return err
		}
		ev, _ := c.decoder.Next(space[:n])
		if err := c.judge(ev); err != nil {
			return err
		}
		m.room.bytes = m.room.bytes[:have+n]
		c.in.afterLong = true
	}
	return nil
}

// judge ends the connection at a breach.
func (c *Conn) judge(ev protocol.Event) error {
	if ev.End {
		c.pace.frameEnds()
		if op, _ := c.decoder.Message(); op == protocol.OpContinuation {
			c.pace.message = 0
		}
	}
	if ev.Broken == 0 {
		return nil
	}
	return c.failBreach()
}

func (c *Conn) failBreach() error {
	breach := c.decoder.Breach()
	return c.fail(breach.Rule.CloseCode(), breach.Text(), breach)
}

// control answers a control frame, which comes in one event.
func (c *Conn) control(op protocol.Opcode, payload []byte) error {
	switch op {
	case protocol.OpPing:
		return c.answerPing(payload)
	case protocol.OpPong:
		if c.options.OnPong != nil && c.closeBy.get() == 0 {
			c.inOnPong.Store(true)
			c.options.OnPong(payload)
			c.inOnPong.Store(false)
		}
	case protocol.OpClose:
		return c.peerClosed(payload)
	}
	return nil
}
