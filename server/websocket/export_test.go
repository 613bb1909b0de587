// What tests see of the inside.

package websocket

// WaitingPings returns how many connections have pings that wait for their pongs, and how many
// such pings there are.
func WaitingPings() (connections, pings int) {
	pingLists.Range(func(_, list any) bool {
		l := list.(*pingList)
		l.mu.Lock()
		defer l.mu.Unlock()
		connections++
		pings += len(l.waits)
		return true
	})
	return connections, pings
}

// Agree makes c a connection whose handshake has agreed on d.
func Agree(c *Conn, d Deflate) { c.agree("", d) }

// OptionsOf returns the options that c uses.
func OptionsOf(c *Conn) *Options { return c.link.options }
