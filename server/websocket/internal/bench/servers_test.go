// The table of servers, what they have in common, and the one that knows no frames.

package bench

import (
	"bytes"
	"io"
	"net"
	"sync"
)

// serverNames are in the order of the table's columns.
var serverNames = []string{"raw", "framescope", "framescope+tap", "framescope+page", "gorilla", "coder", "gobwas", "gws"}

// peers are those that ours is compared with.
var peers = []string{"gorilla", "coder", "gobwas", "gws"}

// servers are set up as their documentation says, and where it leaves a choice in
// the way that costs least here, with every check of the RFC, UTF-8 of text
// included. Each echoes at /echo, at /deflate with permessage-deflate without
// context takeover and at /takeover with it, and at /fanout sends each message to all.
var servers = map[string]func(net.Listener) error{
	"raw":             serveRaw,
	"framescope":      func(l net.Listener) error { return serveOurs(l, nil) },
	"framescope+tap":  serveTapped,
	"framescope+page": serveTapped,
	"gorilla":         serveGorilla,
	"coder":           serveCoder,
	"gobwas":          serveGobwas,
	"gws":             serveGws,
}

// takesOver tells which servers can keep the context of what they send.
var takesOver = map[string]bool{"framescope": true, "framescope+tap": true, "framescope+page": true, "coder": true, "gws": true}

// maxMessage is the largest message in bytes that each server takes.
const maxMessage = 16 << 20

// serveRaw is the limit: the handshake, and then the bytes of each frame back as
// they are, without a look at them.
func serveRaw(l net.Listener) error {
	for {
		nc, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer nc.Close()
			buf := make([]byte, 512) // more than the request is
			n, err := nc.Read(buf)
			if err != nil {
				return
			}
			if !bytes.HasPrefix(buf[:n], []byte("GET /idle ")) {
				buf = make([]byte, 64<<10)
			}
			if _, err := io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\n\r\n"); err != nil {
				return
			}
			for {
				n, err := nc.Read(buf)
				if err != nil {
					return
				}
				if _, err := nc.Write(buf[:n]); err != nil {
					return
				}
			}
		}()
	}
}

// messages are buffers for those peers that read a message into the caller's.
var messages = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// crowd has the connections to /fanout.
type crowd[C comparable] struct {
	mu  sync.Mutex
	all map[C]struct{}
}

func (c *crowd[C]) add(one C) (remove func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[C]struct{}{}
	}
	c.all[one] = struct{}{}
	return func() {
		c.mu.Lock()
		delete(c.all, one)
		c.mu.Unlock()
	}
}

func (c *crowd[C]) each(do func(C)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for one := range c.all {
		do(one)
	}
}
