// The upgrade: from HTTP to frames, by the request that is handled and what is answered.

package tap

import (
	"net/http"

	"framescope/protocol"
	"framescope/protocol/feed"
	"framescope/server/memory"
)

// exchange is what a connection needs while it is HTTP.
type exchange struct {
	conn     *Conn
	account  memory.Account // of what is held
	counted  int64          // bytes in it
	requests requests
	captured bool                 // the answer that is awaited is recorded
	answers  protocol.HTTPDecoder // looks for the end of its head
	answer   []byte               // as far as it has been sent
}

func newExchange(c *Conn) *exchange {
	return &exchange{conn: c, requests: requests{decoder: protocol.HTTPDecoder{MaxHead: maxHeld}}}
}

const (
	// smallHeld is up to how much of requests is held without being counted, in bytes.
	smallHeld = 4 << 10
	// heldTimes is how many times what is held counts: net/http keeps the same bytes in its
	// buffer, and again as fields.
	heldTimes = 3
)

// count tells the budget what is held. conn.mu is held.
func (x *exchange) count() {
	b, held := x.conn.tap.memory, int64(cap(x.requests.held))
	if held <= smallHeld {
		held = 0
	}
	switch more := heldTimes*held - x.counted; {
	case more > 0:
		b.Add(&x.account, x, more)
	case more < 0:
		b.Sub(&x.account, -more)
	}
	x.counted = heldTimes * held
}

// Evict implements [memory.Holder].
func (x *exchange) Evict(bool) { go x.conn.Conn.Close() } // net/http does the rest

// endHTTP forgets what was needed for HTTP. c.mu is held.
func (c *Conn) endHTTP() {
	c.tap.memory.Close(&c.http.account)
	c.http = nil
}

func (c *Conn) receivedHTTP(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.phase.Load() {
	case phaseFrames: // it has just turned out
		c.in.feed(b)
	case phaseBody:
		c.http.requests.receive(b)
		c.beginFrames()
	case phaseHTTP, phaseAnswer:
		c.http.requests.receive(b)
		c.http.count()
	}
}

// nextRequest notes that net/http calls a handler for r.
func (c *Conn) nextRequest(r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.http == nil {
		return
	}
	if c.phase.Load() == phaseAnswer {
		c.refused() // by an answer that we have not understood
	}
	c.http.requests.next(r)
	c.http.count()
}

// requestDone notes that the handler has returned.
func (c *Conn) requestDone() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.http != nil {
		c.http.requests.head = nil
	}
}

// begin starts the capture at the request that is being handled.
func (c *Conn) begin(maxMessageSize uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase.Load() != phaseHTTP {
		return nil
	}
	q := &c.http.requests
	if q.err != nil {
		return q.err
	}
	if q.head == nil {
		return errNotAttached
	}
	if c.id != 0 {
		c.tap.history.close(c.id, feed.UnknownSide) // it was refused, and asks again
	}
	c.id = c.tap.open(maxMessageSize, c.Conn)
	c.tap.history.head(c.id, c.peer, q.head)
	c.await(true)
	return nil
}

// ignore lets the connection pass unrecorded, should it become a WebSocket.
func (c *Conn) ignore() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase.Load() == phaseHTTP {
		c.await(false)
	}
}

// await looks for the answer in what is sent from now on. c.mu is held.
func (c *Conn) await(captured bool) {
	c.http.captured = captured
	c.http.answers = protocol.HTTPDecoder{From: c.peer.Peer(), MaxHead: maxHeld}
	c.phase.Store(phaseAnswer)
}

// sendingAnswer takes our bytes until the head of the answer is whole.
func (c *Conn) sendingAnswer(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase.Load() != phaseAnswer {
		return // closed meanwhile
	}
	x := c.http
	x.answer = append(x.answer, b...)
	head, status, err := x.answerHead()
	if err == nil && head == nil {
		return
	}
	if x.captured && head != nil {
		c.tap.history.head(c.id, c.peer.Peer(), head)
	}
	switch {
	case status != http.StatusSwitchingProtocols:
		c.refused()
	case x.captured:
		c.beginFrames()
		c.out.feed(x.answer)
	default:
		c.phase.Store(phasePlain)
		c.endHTTP()
	}
}

// answerHead takes the head of the answer off what has been sent, once it is whole,
// and interim ones before it (RFC 9110 15.2).
func (x *exchange) answerHead() (head []byte, status int, err error) {
	for {
		ev, n, err := x.answers.Next(x.answer)
		x.answer = x.answer[n:]
		if ev.Head == nil && (err != nil || n == 0) {
			return nil, 0, err
		}
		h, _ := protocol.ParseHead(ev.Head)
		status = protocol.StatusOf(h)
		if status >= 200 || status == http.StatusSwitchingProtocols || err != nil {
			return ev.Head, status, nil
		}
	}
}

// refused goes back to HTTP: another request may ask for a WebSocket. c.mu is held.
func (c *Conn) refused() {
	c.http.answer = nil
	c.phase.Store(phaseHTTP)
}

// beginFrames records as frames what stands behind the request that was accepted,
// once its body has ended. c.mu is held.
func (c *Conn) beginFrames() {
	q := &c.http.requests
	if q.body || q.err != nil {
		c.phase.Store(phaseBody)
		return
	}
	c.in.feed(q.held)
	c.endHTTP()
	c.phase.Store(phaseFrames)
}
