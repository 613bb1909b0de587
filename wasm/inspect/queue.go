// Queues of connections: doubly linked, so that any can be removed in constant time.

package inspect

// The links of a connection, one for each kind of queue.
const (
	linkAge     = iota // to all others, by age
	linkState          // to the others that are open, or to those that have ended
	linkHeads          // to the others whose heads are kept
	linkContext        // to the others whose decoders keep memory for inflating
	linkCount
)

type link struct{ before, after *conn }

// queue holds connections in the order in which they were pushed. Its methods are not
// inlined: their many callers would make the WASM module larger.
type queue struct {
	link        int
	first, last *conn
	length      int
}

//go:noinline
func (q *queue) push(c *conn) {
	c.links[q.link] = link{before: q.last}
	if q.last == nil {
		q.first = c
	} else {
		q.last.links[q.link].after = c
	}
	q.last = c
	q.length++
}

// remove removes c, which must be in q.
//
//go:noinline
func (q *queue) remove(c *conn) {
	l := c.links[q.link]
	if l.before == nil {
		q.first = l.after
	} else {
		l.before.links[q.link].after = l.after
	}
	if l.after == nil {
		q.last = l.before
	} else {
		l.after.links[q.link].before = l.before
	}
	q.length--
}

// next returns the connection after c.
func (q *queue) next(c *conn) *conn { return c.links[q.link].after }

// before returns the connection before c.
func (q *queue) before(c *conn) *conn { return c.links[q.link].before }
