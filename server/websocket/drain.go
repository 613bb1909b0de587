// Pacing: who sends much to a connection learns when its queue is empty.

package websocket

// OnDrain has f called each time that all messages queued by [Conn.Send] have been
// handed to the socket, or discarded because the connection is ending. After a Send
// that succeeded the call always comes, from another goroutine, perhaps before Send
// returns. So a sender can queue a part of what it has, and the next part from f.
//
// f may call Send. It must not wait for anything: the goroutine that calls it serves other
// connections too. OnDrain is called before the first Send.
func (c *Conn) OnDrain(f func()) { c.sendQueue().onDrain = f }

// drained reports that the queue is empty, to whom it concerns; no lock is held.
func (q *sendQueue) drained() {
	if q.onDrain != nil {
		q.onDrain()
	}
}
