// Inflating what peers have compressed, within what memory and processors there are.

package websocket

import (
	"runtime"
	"sync"

	"framescope/protocol"
)

// inflaters are those between messages.
var inflaters = sync.Pool{New: func() any { return new(protocol.Inflater) }}

// inflateStep is how much is inflated at once, in bytes: before more there must be memory
// for it.
const inflateStep = 64 << 10

// inflateSlack is how much more than was asked for may come at once.
const inflateSlack = 1 << 10

// inflateSlots bounds how many goroutines inflate messages beyond inflateStep at a time: one
// fewer than there are processors. Otherwise peers whose few bytes inflate to many could keep
// all processors busy while other connections wait.
var inflateSlots = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1))

// inflate adds to the message what an event of a compressed one brings.
func (c *Conn) inflate(ev protocol.Event) error {
	m, h := &c.message, c.decoder.Header()
	if ev.Start && h.Opcode != protocol.OpContinuation {
		c.decoder.SwapInflater(inflaters.Get().(*protocol.Inflater))
		m.inflating = true
	}
	broken, err := c.inflateAll(ev.Data)
	if err != nil {
		return err
	}
	if ev.End && h.Fin {
		inflaters.Put(c.decoder.SwapInflater(nil))
		m.inflating = false
	}
	c.countMemory(cap(m.room.bytes))
	if broken != 0 {
		return c.failBreach()
	}
	return nil
}

// takeInflateSlot waits for one of inflateSlots.
func (c *Conn) takeInflateSlot() {
	select {
	case inflateSlots <- struct{}{}:
	default:
		c.options.Memory.Add(&c.account, c, bufferSize) // the input, which is kept meanwhile
		inflateSlots <- struct{}{}
		c.options.Memory.Sub(&c.account, bufferSize)
	}
}

func (c *Conn) inflateAll(p []byte) (broken protocol.Rules, err error) {
	m := &c.message
	for more := true; more && broken == 0; {
		// What comes is likely four times as much.
		space := min(max(4*len(p), 4<<10), inflateStep)
		if limit := c.decoder.MaxMessageSize; limit > 0 {
			space = int(min(uint64(space), limit-min(limit, uint64(len(m.room.bytes)))+inflateSlack))
		}
		if err := c.makeRoom(len(m.room.bytes) + space); err != nil {
			return 0, err
		}
		long := len(m.room.bytes) >= inflateStep
		if long {
			c.takeInflateSlot()
		}
		m.room.bytes, p, more, broken = c.decoder.InflatePart(m.room.bytes, p, space-inflateSlack)
		if long {
			<-inflateSlots
		}
	}
	return broken, nil
}
