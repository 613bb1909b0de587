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

// operation is what a goroutine asks of the broker: to publish a message, to subscribe to a
// topic's subject or to end that, or to connect again.
type operation struct {
	subject   string
	message   []byte
	kind      kind
	subscribe *topic
	leave     *topic
	connect   bool
}

func (o operation) size() int { return operationSize + len(o.message) }

// outbox keeps callers from waiting for the broker. Its goroutine alone uses the connection,
// whose owner it is.
type outbox struct {
	link   link
	memory hub.Memory
	failed func(error)
	unsent atomic.Uint64 // messages of apps that did not reach the broker

	mu     sync.Mutex // guards the fields below
	ready  sync.Cond
	queue  []operation
	size   int
	closed bool
}

// link is a connection to the broker and what is subscribed there.
type link struct {
	conn     *broker.Conn
	dial     func() (*broker.Conn, error)
	incoming chan *broker.Msg
	own      []string // subjects of all and of this instance
	topics   map[*topic]*broker.Subscription
}

// connect makes the first connection, or another one after the library has closed the last
// for good, as some errors that a broker may send make it do.
func (l *link) connect() (err error) {
	if l.conn, err = l.dial(); err != nil {
		return err
	}
	for _, subject := range l.own {
		if _, err := l.conn.ChanSubscribe(subject, l.incoming); err != nil {
			l.conn.Close()
			return err
		}
	}
	for t := range l.topics {
		l.subscribe(t)
	}
	return nil
}

func (l *link) subscribe(t *topic) {
	// It fails only when the connection has been closed for good.
	l.topics[t], _ = l.conn.ChanSubscribe(t.subject, l.incoming)
}

func (l *link) leave(t *topic) {
	if s := l.topics[t]; s != nil {
		_ = s.Unsubscribe() // fails like subscribe
	}
	delete(l.topics, t)
}

func (o *outbox) init(memory hub.Memory, failed func(error)) {
	o.memory, o.failed, o.ready.L = memory, failed, &o.mu
	o.link.topics = map[*topic]*broker.Subscription{}
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

// run does what is queued until the outbox is closed and empty. Then it ends the connection.
func (o *outbox) run() {
	for !o.done() {
		for _, op := range o.take() {
			o.do(op)
			account(o.memory, -op.size())
		}
	}
	if o.link.conn.IsConnected() {
		_ = o.link.conn.FlushTimeout(closeTimeout) // if it fails, the others notice after three beats
	}
	o.link.conn.Close()
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

func (o *outbox) do(op operation) {
	switch {
	case op.subscribe != nil:
		o.link.subscribe(op.subscribe)
	case op.leave != nil:
		o.link.leave(op.leave)
	case op.connect:
		if o.link.connect() != nil {
			o.connectLater()
		}
	default:
		o.publish(op)
	}
}

// publish does not say why it fails while the broker is away, since that has been said.
func (o *outbox) publish(op operation) {
	err := o.link.conn.Publish(op.subject, op.message)
	if err == nil {
		return
	}
	o.drop(op)
	if o.link.conn.IsConnected() {
		o.failed(err)
	}
}

// connectLater has the goroutine connect again after a moment.
func (o *outbox) connectLater() {
	time.AfterFunc(reconnectWait, func() { o.add(operation{connect: true}) })
}

// close has the goroutine send what is queued, and end.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.ready.Signal()
}
