// Inflating compressed messages, within the memory and processors that there are.

package websocket

import (
	"runtime"
	"sync"

	"framescope/protocol"
)

// inflaters has the Inflaters that are not in use.
var inflaters = sync.Pool{New: func() any { return new(protocol.Inflater) }}

// inflateStep is how much is inflated at once, in bytes: before more is inflated there must be
// memory for it.
const inflateStep = 64 << 10

// inflateSlack is how many bytes more than it asked for a call of InflatePart may return.
const inflateSlack = 1 << 10

// inflateSlots bounds how many goroutines inflate messages beyond inflateStep at a time: one
// fewer than there are processors. Otherwise peers whose few bytes inflate to many could keep
// all processors busy while other connections wait.
var inflateSlots = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1))

// inflate inflates the data of an event and adds the result to the message.
func (in *inbound) inflate(ev protocol.Event) error {
	m, h := &in.message, in.decoder.Header()
	if ev.Start && h.Opcode != protocol.OpContinuation {
		in.decoder.SwapInflater(inflaters.Get().(*protocol.Inflater))
		m.inflating = true
	}
	broken, err := in.inflateAll(ev.Data)
	if err != nil {
		return err
	}
	if ev.End && h.Fin {
		inflaters.Put(in.decoder.SwapInflater(nil))
		m.inflating = false
	}
	in.countMemory(cap(m.buffer.bytes))
	if broken != 0 {
		return in.failBreach()
	}
	return nil
}

// waitInflateSlot waits for one of inflateSlots.
func (in *inbound) waitInflateSlot() {
	select {
	case inflateSlots <- struct{}{}:
	default:
		in.link.keep(bufferSize) // the input, which is kept meanwhile
		inflateSlots <- struct{}{}
		in.link.letGo(bufferSize)
	}
}

func (in *inbound) inflateAll(p []byte) (broken protocol.Rules, err error) {
	b := &in.message.buffer
	for more := true; more && broken == 0; {
		// Most messages inflate to less than four times their size.
		space := min(max(4*len(p), 4<<10), inflateStep)
		if limit := in.decoder.MaxMessageSize; limit > 0 {
			space = int(min(uint64(space), limit-min(limit, uint64(len(b.bytes)))+inflateSlack))
		}
		if err := in.growMessage(len(b.bytes) + space); err != nil {
			return 0, err
		}
		long := len(b.bytes) >= inflateStep
		if long {
			in.waitInflateSlot()
		}
		b.bytes, p, more, broken = in.decoder.InflatePart(b.bytes, p, space-inflateSlack)
		if long {
			<-inflateSlots
		}
	}
	return broken, nil
}
