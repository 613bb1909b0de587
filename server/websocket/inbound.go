// The inbound half of a connection: from the peer's bytes to messages.

package websocket

import (
	"sync"
	"sync/atomic"

	"framescope/protocol"
)

// inbound turns the peer's bytes into messages, and answers control frames and breaches of the
// rules through the outbound half. One goroutine at a time runs it, the reader, which holds mu;
// until the connection is about to end it waits for the peer's bytes alone, never for a writer.
type inbound struct {
	mu sync.Mutex // guards the fields below, but for those that are atomic
	input
	out     *outbound
	decoder protocol.Decoder
	message message
	limits  readLimits
	readBy  deadline    // the application's
	inPong  atomic.Bool // OnPong has been called and has not returned

	cancelled atomic.Bool // the context of the read is done

	holding bool // the outbound half was told to hold frames
	held    bool // and may have held some since the reader last waited
}

// message is the data message that is being read.
type message struct {
	op        protocol.Opcode // OpContinuation between messages
	inflating bool            // and the decoder has an Inflater for it
	kept      uint32          // KiB that the budget of memory knows of
	buffer    messageBuffer   // the received part of it, unless all of it is in the input
	// stream reads it in parts, if it is not nil.
	stream *messageReader
}

func (in *inbound) init(l *link, out *outbound, buffered []byte) {
	in.input.init(l, buffered)
	in.out = out
	in.decoder.From = l.side.Peer()
	in.decoder.MaxMessageSize = uint64(l.options.MaxMessageSize)
}

func (in *inbound) setMaxMessageSize(n int64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.decoder.MaxMessageSize = uint64(max(n, 1))
}

// idle reports whether no goroutine reads.
func (in *inbound) idle() bool {
	if !in.mu.TryLock() {
		return false
	}
	in.mu.Unlock()
	return true
}

// updateHold has the outbound half hold frames while there is more to decode.
func (in *inbound) updateHold() {
	if more := !in.empty(); more != in.holding {
		in.holding, in.held = more, in.held || more
		in.out.setHold(more)
	}
}

// endHold has the held frames sent, before the reader waits.
func (in *inbound) endHold() error {
	if !in.held {
		return nil
	}
	in.holding, in.held = false, false
	return in.out.sendHeld()
}

func (in *inbound) readMessage() (protocol.Opcode, []byte, error) {
	in.mu.Lock()
	op, p, err := in.nextMessage()
	if err != nil {
		in.release()
	}
	in.updateHold()
	in.mu.Unlock()
	return op, p, err
}

// nextMessage reads a whole message; mu is held.
func (in *inbound) nextMessage() (protocol.Opcode, []byte, error) {
	m := &in.message
	if err := in.skipStream(); err != nil {
		return 0, nil, err
	}
	if m.op == protocol.OpContinuation {
		in.releaseMessageBuffer() // of the previous message
	}
	for {
		ev, err := in.nextData()
		if err != nil {
			return 0, nil, err
		}
		fin := in.decoder.Header().Fin
		if ev.End && fin && m.buffer.bytes == nil && !in.decoder.Compressed() {
			op := m.op
			m.op = protocol.OpContinuation
			return op, ev.Data, nil // whole, in the input: no copy
		}
		if err := in.appendMessage(ev); err != nil {
			return 0, nil, err
		}
		if fin && in.decoder.Pending() == 0 {
			op := m.op
			m.op = protocol.OpContinuation
			return op, m.buffer.bytes, nil
		}
	}
}

// nextData returns the next event of a data frame. Its data are valid until the
// following call. Control frames before it are answered.
func (in *inbound) nextData() (protocol.Event, error) {
	for {
		if in.link.ended.Load() && !in.link.err.writing {
			return protocol.Event{}, in.link.err
		}
		ev, n := in.decoder.Next(in.bytes())
		if n == 0 {
			if _, err := in.receive(nil); err != nil {
				return ev, err
			}
			continue
		}
		in.consumed(n)
		data, err := in.handle(ev)
		if data || err != nil {
			return ev, err
		}
	}
}

// handle checks an event, answers a control frame, and reports whether the event is
// one of a data frame.
func (in *inbound) handle(ev protocol.Event) (data bool, err error) {
	if err := in.check(ev); err != nil {
		return false, err
	}
	op := in.decoder.Header().Opcode
	if op.Control() {
		return false, in.control(op, ev.Data)
	}
	if ev.Start && op != protocol.OpContinuation {
		in.message.op = op
	}
	return true, nil
}

// check ends the connection at a breach.
func (in *inbound) check(ev protocol.Event) error {
	if ev.End {
		in.limits.frameEnds()
		if op, _ := in.decoder.Message(); op == protocol.OpContinuation {
			in.limits.messageEnds()
		}
	}
	if ev.Broken == 0 {
		return nil
	}
	return in.failBreach()
}

// control answers a control frame, which comes in one event.
func (in *inbound) control(op protocol.Opcode, payload []byte) error {
	switch op {
	case protocol.OpPing:
		// RFC 6455 5.5.2: a pong of the same payload, unless a close frame was sent.
		return in.link.endedBy(in.out.post(protocol.OpPong, payload))
	case protocol.OpPong:
		in.out.pongReceived(payload)
		if onPong := in.link.options.OnPong; onPong != nil && in.link.closeBy.get() == 0 {
			in.inPong.Store(true)
			onPong(payload)
			in.inPong.Store(false)
		}
	case protocol.OpClose:
		return in.peerClosed(payload)
	}
	return nil
}
