// A client: one Engine.IO session, and its sockets in the namespaces that it has connected to.

package socketio

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"framescope/server/engineio"
	"framescope/server/memory"
)

// client receives the messages of one session. Its methods run on the goroutine that reads the
// session, unless they say otherwise.
type client struct {
	server  *Server
	session *engineio.Session
	remote  string      // the address of the peer
	timeout *time.Timer // closes the session unless it connects to a namespace
	packet  assembly
	args    arguments   // of the event that is being handled
	sockets []*Socket   // one of each namespace, those that the server has disconnected included
	faulty  bool        // an event that could not be handled was logged
	stopped atomic.Bool // close was called

	mu    sync.Mutex // guards the fields below
	open  int        // how many of them are connecting or connected
	why   error      // why the session is being closed by this end
	ended bool
}

var (
	errNotConnected   = errors.New("socket.io: a packet for a namespace that is not connected")
	errConnectedTwice = errors.New("socket.io: a CONNECT for a namespace that is connected")
	errDirection      = errors.New("socket.io: a CONNECT_ERROR from a client")
	errConnectTimeout = errors.New("socket.io: no namespace connected in time")
)

// Message implements engineio.Handler.
func (c *client) Message(binary bool, p []byte) {
	if c.stopped.Load() {
		return
	}
	var k packet
	var err error
	switch {
	case binary:
		var whole bool
		if k, whole, err = c.packet.add(p); err == nil && !whole {
			return
		}
	case c.packet.open():
		err = errInterrupted
	default:
		if k, err = parsePacket(p, c.server.options.MaxAttachments); err == nil && k.kind.binary() {
			if err = c.packet.begin(c, k); err == nil {
				return
			}
		}
	}
	if err == nil {
		err = c.receive(&k)
	}
	c.packet.end()
	if err != nil {
		c.close(err)
	}
}

// receive handles a whole packet.
func (c *client) receive(k *packet) error {
	s := c.find(k.namespace)
	if k.kind == kindConnect {
		return c.connect(s, k)
	}
	if s == nil {
		return errNotConnected
	}
	switch k.kind {
	case kindEvent, kindBinaryEvent:
		return s.event(k)
	case kindAck, kindBinaryAck:
		return s.acknowledged(k)
	case kindDisconnect:
		s.end(ClientDisconnect)
		return nil
	}
	return errDirection
}

// find returns the socket in a namespace, nil if there is none.
func (c *client) find(namespace []byte) *Socket {
	for _, s := range c.sockets {
		if s.namespace.name == string(namespace) {
			return s
		}
	}
	return nil
}

// connect answers a CONNECT; old is the socket that the client has had in the namespace.
func (c *client) connect(old *Socket, k *packet) error {
	if old != nil && old.state.Load() != stateGone {
		return errConnectedTwice
	}
	n := c.server.find(k.namespace)
	if n == nil {
		c.refuse(string(k.namespace), Refuse("Invalid namespace", nil))
		return nil
	}
	var auth []byte // nil if there is none
	if len(k.data) > 0 {
		auth = bytes.Clone(k.data)
	}
	s := n.enter(c, auth)
	c.add(s, old)
	if f := n.handlers.Load().connect; f != nil {
		if err := f(s, auth); err != nil {
			s.end(refused)
			c.refuse(n.name, err)
			return nil
		}
	}
	s.accept()
	return nil
}

// refuse sends a CONNECT_ERROR.
func (c *client) refuse(namespace string, why error) {
	text, err := encodeRefusal(namespace, why)
	if err != nil {
		c.server.log.Error("a Socket.IO client was refused without the data", "namespace", namespace, "why", err)
	}
	_ = c.session.SendPacket(text) // a failure has ended the session
}

// add keeps a socket in place of an old one in the same namespace.
func (c *client) add(s, old *Socket) {
	if i := slices.Index(c.sockets, old); i >= 0 {
		c.sockets[i] = s
	} else {
		c.sockets = append(c.sockets, s)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open++
	c.timeout.Stop()
}

// left is called when a socket has ended, by any goroutine. A client without any namespace has a
// time to connect to one.
func (c *client) left() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open--; c.open == 0 && !c.ended {
		c.timeout.Reset(c.server.options.ConnectTimeout)
	}
}

// timedOut is called by the timer.
func (c *client) timedOut() {
	c.mu.Lock()
	late := c.open == 0
	c.mu.Unlock()
	if late {
		c.close(errConnectTimeout)
	}
}

// close ends the session for a reason, of which a client with a WebSocket is told. Any goroutine
// may call it.
func (c *client) close(why error) {
	c.mu.Lock()
	if c.why == nil {
		c.why = why
	}
	c.mu.Unlock()
	c.stopped.Store(true)
	c.session.CloseFor(why.Error())
}

// Closed implements engineio.Handler.
func (c *client) Closed(reason engineio.Reason) {
	c.timeout.Stop()
	c.packet.end()
	c.server.options.Engine.Memory.Close(&c.packet.account)
	c.mu.Lock()
	why := c.why
	c.ended = true
	c.mu.Unlock()
	for _, s := range c.sockets {
		s.end(Reason(reason.String()))
	}
	if why == nil {
		why = errors.New(reason.String())
	}
	c.server.log.Info("socket.io ended", "remote", c.remote, "why", why)
}

// Evict implements memory.Holder: an unfinished packet keeps too much.
func (c *client) Evict(bool) { go c.close(memory.ErrFull) }

// setArgs has c.args be the arguments of a packet.
func (c *client) setArgs(raw []byte, k *packet) error {
	c.args = arguments{raw, c.packet.attachments}
	if !k.kind.binary() {
		return nil
	}
	return checkPlaceholders(raw, k.attachments)
}
