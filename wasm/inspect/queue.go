// Queues of connections: doubly linked, so that one can leave from anywhere at once.

package inspect

// Which of its links joins a connection to others.
const (
	linkAge     = iota // to those that came before and after
	linkState          // to those that are open, or have ended, as well
	linkHeads          // to those whose heads are kept
	linkContext        // to those whose decoders hold memory to inflate with
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

// remove takes out c, which must be in q.
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

// next is the connection after c.
func (q *queue) next(c *conn) *conn { return c.links[q.link].after }

// before is the connection before c.
func (q *queue) before(c *conn) *conn { return c.links[q.link].before }
