// What tests see of the inside.

package websocket

// WaitingPings is the number of connections that have pings which wait for their pongs.
func WaitingPings() (n int) {
	pingLists.Range(func(any, any) bool { n++; return true })
	return n
}

// Agree makes c a connection whose handshake has agreed on d.
func Agree(c *Conn, d Deflate) { c.agree("", d) }

// OptionsOf returns the options that c uses.
func OptionsOf(c *Conn) *Options { return c.link.options }
