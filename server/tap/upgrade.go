// The upgrade from HTTP to frames, according to the request that is handled and its answer.

package tap

import (
	"bytes"
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
	lines    int            // in what is held
	handled  int64          // cost of the request whose handler runs
	requests requests
	captured bool                 // the answer that is awaited is recorded
	answers  protocol.HTTPDecoder // looks for the end of its head
	answer   []byte               // as far as it has been sent
}

func newExchange(c *Conn) *exchange {
	return &exchange{conn: c, requests: requests{decoder: protocol.HTTPDecoder{MaxHead: maxHeld}}}
}

const (
	// smallCost is the largest cost of a request that is not counted, in bytes.
	smallCost = 16 << 10
	// byteCost and lineCost are what a byte and a line of a head cost: net/http keeps the same
	// bytes in its buffer, and again as fields.
	byteCost = 3
	lineCost = 64
)

// costOf returns how many bytes it takes to hold a head of so many lines, here and in net/http.
func costOf(head []byte, lines int) int64 { return byteCost*int64(cap(head)) + lineCost*int64(lines) }

func linesIn(b []byte) int { return bytes.Count(b, []byte("\n")) }

// count notes what is held and returns by how many bytes that is more than before. conn.mu is
// held.
func (x *exchange) count() (more int64) {
	cost := costOf(x.requests.held, x.lines) + x.handled
	if cost <= smallCost {
		cost = 0
	}
	more, x.counted = cost-x.counted, cost
	if more < 0 {
		x.conn.tap.requests.Sub(&x.account, -more)
	}
	return more
}

// Evict implements [memory.Holder].
func (x *exchange) Evict(bool) { go x.conn.Conn.Close() } // net/http notices, and ends the connection

// endHTTP drops what was needed for HTTP. c.mu is held.
func (c *Conn) endHTTP() {
	c.tap.requests.Close(&c.http.account)
	c.http = nil
}

// receivedHTTP adds bytes of requests. While memory is used up it waits, and so does the
// reader; if there is still none after that, the connection is closed.
func (c *Conn) receivedHTTP(b []byte) {
	x, more := c.hold(b)
	if more > 0 && c.tap.requests.Grow(&x.account, x, more) != nil {
		c.Conn.Close() // net/http notices, and ends the connection
	}
}

// hold is receivedHTTP without waiting. It returns the exchange that has to be charged and by
// how many bytes its cost has grown.
func (c *Conn) hold(b []byte) (x *exchange, more int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	x = c.http
	switch c.phase.Load() {
	case phaseFrames: // the phase has just changed
		c.in.scan(c, b)
	case phaseBody:
		c.http.requests.receive(b)
		c.beginFrames()
	case phaseHTTP, phaseAnswer:
		c.http.requests.receive(b)
		c.http.lines += linesIn(b)
		more = c.http.count()
	}
	return x, more
}

// nextRequest notes that net/http calls a handler for r.
func (c *Conn) nextRequest(r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.http == nil {
		return
	}
	if c.phase.Load() == phaseAnswer {
		c.refused() // with an answer that was not understood
	}
	c.http.requests.next(r)
	c.http.handled = costOf(c.http.requests.head, linesIn(c.http.requests.head))
	c.http.lines = linesIn(c.http.requests.held)
	if more := c.http.count(); more > 0 {
		c.tap.requests.Add(&c.http.account, c.http, more)
	}
}

// requestDone notes that the handler has returned.
func (c *Conn) requestDone() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.http != nil {
		c.http.requests.head, c.http.handled = nil, 0
		c.http.count()
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
		c.tap.history.close(c.id, feed.UnknownSide) // it was refused, and the client asks again
	}
	c.id = c.tap.open(maxMessageSize, c.Conn.RemoteAddr().String())
	c.tap.history.head(c.id, c.peer, q.head)
	c.await(true)
	return nil
}

// ignore says that the connection is not recorded even if it becomes a WebSocket.
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

// sendingAnswer collects our bytes until the head of the answer is complete.
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
		c.out.scan(c, x.answer)
	default:
		c.phase.Store(phasePlain)
		c.endHTTP()
	}
}

// answerHead removes the head of the answer, once it is complete, from what has been sent,
// and interim responses before it (RFC 9110 15.2).
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

// refused returns to HTTP: another request may ask for a WebSocket. c.mu is held.
func (c *Conn) refused() {
	c.http.answer = nil
	c.phase.Store(phaseHTTP)
}

// beginFrames records as frames what follows the request that was accepted, once its body
// has ended. c.mu is held.
func (c *Conn) beginFrames() {
	q := &c.http.requests
	if q.body || q.err != nil {
		c.phase.Store(phaseBody)
		return
	}
	c.in.scan(c, q.held)
	c.endHTTP()
	c.phase.Store(phaseFrames)
}
