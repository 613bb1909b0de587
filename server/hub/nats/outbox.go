// What waits to be sent to the broker.

package nats

import (
	"sync"
	"sync/atomic"
	"time"

	broker "github.com/nats-io/nats.go"

	"framescope/server/hub"
)

const (
	maxOutbox     = 8 << 20 // bytes that wait
	operationSize = 128     // of an operation, in addition to its message
)

// operation is what a goroutine asks of the broker: to publish a message, or to subscribe to
// a topic's subject or to end that.
type operation struct {
	subject   string
	message   []byte
	kind      kind
	subscribe *topic
	leave     *topic
}

func (o operation) size() int { return operationSize + len(o.message) }

// outbox keeps callers from waiting for the broker. Its goroutine alone uses the connection.
type outbox struct {
	memory hub.Memory
	unsent atomic.Uint64 // messages of apps that did not reach the broker
	ended  chan struct{}

	mu     sync.Mutex // guards the fields below
	ready  sync.Cond
	queue  []operation
	size   int
	closed bool
}

func (o *outbox) init(memory hub.Memory) {
	o.memory, o.ended, o.ready.L = memory, make(chan struct{}), &o.mu
}

// add queues an operation. Beyond the bound a message is dropped; its receivers notice the
// gap.
func (o *outbox) add(op operation) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || op.message != nil && o.size+op.size() > maxOutbox {
		o.drop(op)
		return
	}
	o.queue = append(o.queue, op)
	o.size += op.size()
	account(o.memory, op.size())
	o.ready.Signal()
}

// drop counts a message of an app that is not sent.
func (o *outbox) drop(op operation) {
	if op.kind == kindPublish || op.kind == kindSend {
		o.unsent.Add(1)
	}
}

// takeUnsent returns how many messages were dropped since it was last called.
func (o *outbox) takeUnsent() uint64 { return o.unsent.Swap(0) }

// run does what is queued until the outbox is closed and empty.
func (o *outbox) run(conn *broker.Conn, incoming chan *broker.Msg) {
	defer close(o.ended)
	for {
		for _, op := range o.take() {
			o.do(conn, incoming, op)
			account(o.memory, -op.size())
		}
		if o.done() {
			return
		}
	}
}

// take waits for operations and returns all that wait.
func (o *outbox) take() []operation {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) == 0 && !o.closed {
		o.ready.Wait()
	}
	taken := o.queue
	o.queue, o.size = nil, 0
	return taken
}

func (o *outbox) done() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.closed && len(o.queue) == 0
}

func (o *outbox) do(conn *broker.Conn, incoming chan *broker.Msg, op operation) {
	switch {
	case op.subscribe != nil:
		// It fails only when the connection has been closed for good.
		op.subscribe.subscription, _ = conn.ChanSubscribe(op.subject, incoming)
	case op.leave != nil:
		if s := op.leave.subscription; s != nil {
			_ = s.Unsubscribe()
		}
	case conn.Publish(op.subject, op.message) != nil:
		o.drop(op)
	}
}

// close lets the queue be sent, for so long at most.
func (o *outbox) close(timeout time.Duration) {
	o.mu.Lock()
	o.closed = true
	o.ready.Signal()
	o.mu.Unlock()
	select {
	case <-o.ended:
	case <-time.After(timeout):
	}
}
