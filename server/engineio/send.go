// Sending: at once over a WebSocket, into the payload of the next poll otherwise.

package engineio

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"framescope/server/websocket"
)

// TextPrefix is the byte before a text message in a packet: see [Session.SendPacket].
const TextPrefix = packetMessage

// Errors of the methods that send.
var (
	// ErrClosed says that the session has ended.
	ErrClosed = errors.New("engineio: the session has ended")
	// ErrSlowReader says that too much waits for the peer. The session has ended for it.
	ErrSlowReader = errors.New("engineio: the peer does not read fast enough")
	// ErrSeparator says that the text cannot be sent while the session is polling.
	ErrSeparator = errors.New("engineio: text with the byte 0x1E cannot be sent by long polling")
)

// Message is a message that is encoded once, for any number of sessions.
type Message struct {
	opcode websocket.Opcode
	frame  *websocket.Prepared // for text, with the packet's type
}

// Prepare encodes a message for [Session.Queue]. It keeps nothing of p.
func Prepare(binary bool, p []byte) *Message {
	if binary {
		return prepare(websocket.Binary, p)
	}
	packet := append(append(make([]byte, 0, 1+len(p)), TextPrefix), p...)
	return prepare(websocket.Text, packet)
}

// PreparePacket is [Prepare] for text that has TextPrefix before it.
func PreparePacket(packet []byte) *Message { return prepare(websocket.Text, packet) }

func prepare(op websocket.Opcode, packet []byte) *Message {
	frame, err := websocket.Prepare(op, packet)
	if err != nil {
		panic(fmt.Sprintf("engineio: prepare a message with opcode %v: %v", op, err))
	}
	return &Message{op, frame}
}

// packets has buffers for the packets of Send.
var packets = sync.Pool{New: func() any { return new([]byte) }}

// maxPooled is the largest buffer that is used again, in bytes.
const maxPooled = 32 << 10

// Send sends a message; p is neither kept nor changed. It comes after everything that the same
// goroutine sent before, also by Queue. Over a WebSocket it is written at once, and Send may wait
// for a peer that does not read, 10 seconds at most: use it to answer in Handler.Message, and Queue
// for other sessions.
func (s *Session) Send(binary bool, p []byte) error {
	if binary {
		return s.send(websocket.Binary, p)
	}
	b := packets.Get().(*[]byte)
	packet := append(append((*b)[:0], TextPrefix), p...)
	err := s.send(websocket.Text, packet)
	if cap(packet) <= maxPooled {
		*b = packet
		packets.Put(b)
	}
	return err
}

// SendPacket is Send for text that has TextPrefix before it, so that nothing is copied.
func (s *Session) SendPacket(packet []byte) error { return s.send(websocket.Text, packet) }

func (s *Session) send(op websocket.Opcode, packet []byte) error {
	c := s.conn.Load()
	if c == nil {
		if packet == nil {
			packet = []byte{}
		}
		m := Message{opcode: op}
		return s.queue(packet, &m)
	}
	if !s.mayWrite(c) {
		return s.SendAll(prepare(op, packet))
	}
	if err := c.WriteMessage(op, packet); err != nil {
		return ErrClosed // the session's goroutine learns how its connection ended
	}
	return nil
}

// mayWrite reports whether everything that was queued by this goroutine has been sent, so that a
// message may be written. It asks the connection, which takes a lock, only if something was queued
// since it last did.
func (s *Session) mayWrite(c *websocket.Conn) bool {
	n := s.queued.Load()
	if n == s.drained.Load() {
		return true
	}
	if c.Queued() {
		return false
	}
	s.drained.Store(n)
	s.behind.Store(0)
	return true
}

// SendAll is Queue for the goroutine that Handler.Message runs on: when more than 64 KiB that it sent
// wait for the peer, it waits until they are written, 10 seconds at most. So a peer that sends faster
// than it reads is slowed down, and not dropped.
func (s *Session) SendAll(messages ...*Message) error {
	size := 0
	for _, m := range messages {
		size += len(m.frame.Payload())
	}
	if c := s.conn.Load(); c != nil && s.behind.Add(int32(min(size, maxBehind+1))) > maxBehind {
		s.awaitDrain(c)
		s.behind.Store(0)
	}
	return s.Queue(messages...)
}

// maxBehind is how many bytes sent by SendAll may wait for a WebSocket.
const maxBehind = 64 << 10

// awaitDrain waits until all that is queued now has been written, or the connection has ended.
// WriteTimeout of the connection bounds that.
func (s *Session) awaitDrain(c *websocket.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flow == nil {
		s.flow = sync.NewCond(&s.mu)
	}
	s.waiting++
	s.awaited.Store(true) // before Queued is called: see onDrain
	for begun := s.drains; s.drains == begun && c.Queued() && c.Err() == nil; {
		s.flow.Wait()
	}
	if s.waiting--; s.waiting == 0 {
		s.awaited.Store(false)
	}
}

// onDrain is called when the connection has written all that was queued. If nothing waits for that it
// takes no lock: awaited is set before the queue is asked, and read after it is empty.
func (s *Session) onDrain() {
	if !s.awaited.Load() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drains++
	s.flow.Broadcast()
}

// Queue sends messages and never waits. No other message comes between them. If more than 1 MiB
// would wait for the peer, the session ends. It keeps nothing of the list.
func (s *Session) Queue(messages ...*Message) error {
	c := s.conn.Load()
	if c == nil {
		return s.queue(nil, messages...)
	}
	var space [4]*websocket.Prepared
	frames := space[:0]
	for _, m := range messages {
		frames = append(frames, m.frame)
	}
	err := c.SendAll(frames)
	s.queued.Add(1) // after SendAll: then mayWrite asks for these messages, too
	switch {
	case errors.Is(err, websocket.ErrSlowReader):
		s.end(ReasonSlowReader, 0)
		return ErrSlowReader
	case err != nil:
		return ErrClosed
	}
	return nil
}

// queue adds messages to the payload of the next poll: packet, if it is not nil, as a message like
// the only one in the list.
func (s *Session) queue(packet []byte, messages ...*Message) error {
	s.mu.Lock()
	if s.conn.Load() != nil { // it has changed to a WebSocket just now
		s.mu.Unlock()
		if packet != nil {
			return s.send(messages[0].opcode, packet)
		}
		return s.Queue(messages...)
	}
	defer s.mu.Unlock()
	if s.reason != 0 {
		return ErrClosed
	}
	size := 0
	for _, m := range messages {
		p := m.payload(packet)
		if m.opcode == websocket.Text && bytes.IndexByte(p, separator) >= 0 {
			return ErrSeparator
		}
		size += packetSize(m.opcode == websocket.Binary, len(p))
	}
	if s.polling == nil {
		s.polling = new(polling) // of a WebSocket that is being opened
	}
	if p := s.polling; len(p.out) > 0 && len(p.out)+size > s.server.maxQueue() {
		go s.end(ReasonSlowReader, 0)
		return ErrSlowReader
	}
	for _, m := range messages {
		s.appendOut(m.opcode == websocket.Binary, m.payload(packet))
	}
	s.polling.wakeUnlessDelivering()
	return nil
}

// payload returns a message's packet: the given one, unless it is nil.
func (m *Message) payload(packet []byte) []byte {
	if packet != nil {
		return packet
	}
	return m.frame.Payload()
}

// maxQueue is how many bytes may wait for a poll. Half of it is for the answers to one POST, which
// waits for the other half.
func (e *Server) maxQueue() int { return max(1<<20, 2*e.options.MaxPayload+1<<10) }
