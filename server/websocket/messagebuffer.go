// The message that is being read: its buffer grows by what was received.

package websocket

import "framescope/protocol"

// appendMessage adds the data of an event to the message, and reads on if the frame is long.
func (in *inbound) appendMessage(ev protocol.Event) error {
	m := &in.message
	if in.decoder.Compressed() {
		return in.inflate(ev)
	}
	have := len(m.buffer.bytes) + len(ev.Data)
	if err := in.growMessage(have); err != nil {
		return err
	}
	m.buffer.bytes = append(m.buffer.bytes, ev.Data...)
	return in.readLong()
}

// growth bounds the capacity of a message's buffer, as a multiple of what was received.
const growth = 4

// growMessage makes the message's buffer hold n bytes at least. It grows by what was received,
// not by what was declared, unless there is a used buffer of that size. The budget of memory
// is charged before.
func (in *inbound) growMessage(n int) error {
	b, memory := &in.message.buffer, in.link.options.Memory
	if n <= cap(b.bytes) && b.bytes != nil {
		return nil
	}
	if !in.decoder.Compressed() {
		_, declared := in.decoder.Message()
		if declared > uint64(n) {
			if used, ok := getUsedMessageBuffer(declared); ok {
				if err := in.reserveMemory(cap(used.bytes)); err != nil {
					return err
				}
				b.moveTo(used, memory)
				return nil
			}
		}
		n = max(n, int(min(declared, uint64(growth*n))))
	}
	if err := in.reserveMemory(messageBufferSize(n)); err != nil {
		return err
	}
	b.grow(n, memory)
	return nil
}

// readLong reads the remainder of a long frame directly into the message.
func (in *inbound) readLong() error {
	b := &in.message.buffer
	for in.empty() && in.decoder.Pending() > bufferSize/4 {
		have := len(b.bytes)
		if have == cap(b.bytes) {
			if err := in.growMessage(have + 1); err != nil {
				return err
			}
		}
		space := b.bytes[have:cap(b.bytes)]
		if left := in.decoder.Pending(); uint64(len(space)) > left {
			space = space[:left]
		}
		in.release()
		n, err := in.receive(space)
		if err != nil {
			return err
		}
		ev, _ := in.decoder.Next(space[:n])
		if err := in.check(ev); err != nil {
			return err
		}
		b.bytes = b.bytes[:have+n]
		in.afterLong = true
	}
	return nil
}

// releaseMessage drops the received part of a message that will not be completed.
func (in *inbound) releaseMessage() {
	in.discard()
	in.release()
	if m := &in.message; m.inflating {
		m.inflating = false
		inflaters.Put(in.decoder.SwapInflater(nil))
	}
	in.releaseMessageBuffer()
}

// releaseMessageBuffer puts the buffer of a message back.
func (in *inbound) releaseMessageBuffer() {
	in.message.buffer.put(in.link.options.Memory)
	if in.message.kept != 0 {
		in.countMemory(0)
	}
}

// leaveMessage leaves the last message to the application, which still uses it, and
// reads on elsewhere.
func (in *inbound) leaveMessage() {
	in.leaveBuffer()
	if in.message.op == protocol.OpContinuation {
		in.message.buffer = messageBuffer{}
	}
}
