// Reading from a member: the loop of a WebSocket, and doing what each request asks for.

package chat

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

const (
	whoCost = 50 // messages that a list of names counts as
	// Each KiB of a JSON object beyond usualSize, which is enough for any text as it is usually
	// written, counts as a message.
	usualSize = 9 << 10
)

// Errors with which a member leaves.
var (
	errFailed = errors.New("the server failed") // if readAll panics
	errQuit   = errors.New("the member quit")
)

// The reasons of a leave that are not close codes.
const (
	tooSlow  = "too slow"
	timedOut = "timed out"
	lost     = "connection lost"
	quit     = "quit"
)

func (h *Handler) serve(c *websocket.Conn, roomName, name string) {
	m := newMember(h.options.MessageRate)
	json := c.Subprotocol() == Subprotocol
	if m.out = outlet(lines{c}); json {
		m.out = events{c}
	}
	c.OnDrain(m.onDrain)
	if err := h.rooms.join(m, roomName, name); err != nil {
		refuseMember(c, json, err)
		return
	}
	err := errFailed
	defer func() {
		reason, slow := m.leaveReason(err)
		log := h.log.With("remote", c.RemoteAddr(), "room", roomName, "name", m.currentName())
		if slow {
			log.Warn("chat member dropped", "why", reason)
		} else {
			log.Info("chat member left", "why", err)
		}
		m.room.leave(m, reason)
		if err == errQuit {
			_ = c.Close(protocol.CloseNormal, "goodbye")
		}
	}()
	if err = readAll(c, m, json); err == errQuit {
		m.deliverRest()
	}
}

// refuseMember says why a connection could not join, which was not known before the
// handshake. It does not use the outlet, whose member has no room.
func refuseMember(c *websocket.Conn, json bool, err error) {
	msg := errorMessage(refuseRequest("no-room", err.Error()))
	text := []byte(msg.line)
	if json {
		text = msg.text
	}
	_ = c.WriteMessage(protocol.OpText, text)
	_ = c.Close(protocol.CloseTryAgainLater, err.Error())
}

// readAll handles what a member sends until the connection ends or the member quits.
func readAll(c *websocket.Conn, m *member, json bool) error {
	for {
		op, p, err := c.NextMessage()
		switch {
		case err != nil:
			return err
		case op != protocol.OpText:
			_ = c.Close(protocol.CloseUnsupportedData, "the chat takes text messages alone")
			return c.Err()
		case json:
			err = m.readEvent(p)
		default:
			if string(p) == "/ping" {
				_ = c.SendPing(nil) // if the connection has ended, the next read says why
			}
			err = m.readLines(string(p))
		}
		if err != nil {
			return err
		}
	}
}

// readEvent handles a JSON object.
func (m *member) readEvent(p []byte) error {
	m.wait(1 + max(0, len(p)-usualSize)>>10)
	q, refused := parseRequest(p)
	if refused == nil {
		if refused = m.do(q); refused != nil {
			refused.refers, refused.id = q.kind, q.id
			if q.kind == "private" {
				refused.refers = "message"
			}
		}
	}
	if refused != nil {
		m.room.tell(m, errorMessage(refused))
	}
	return quitIf(q.kind == "quit" && refused == nil)
}

// readLines handles a message of plain lines.
func (m *member) readLines(text string) error {
	n := 0
	for line := range strings.Lines(text) {
		q, ok, refused := parseLine(strings.TrimSuffix(line, "\n"))
		if !ok {
			continue
		}
		m.wait(1)
		if n++; n > maxLines {
			refused = refuseRequest("too-long", fmt.Sprintf("the message has more than %d lines: the others are not said", maxLines))
		}
		if refused == nil {
			refused = m.do(q)
		}
		if refused != nil {
			m.room.tell(m, errorMessage(refused))
		}
		switch {
		case n > maxLines || m.hasEnded():
			return nil
		case refused == nil && q.kind == "quit":
			return errQuit
		}
	}
	return nil
}

func quitIf(asked bool) error {
	if asked {
		return errQuit
	}
	return nil
}

// wait waits until m may send as many messages more: from one that sends too many it is read more slowly.
func (m *member) wait(messages int) {
	if delay := m.pace.ReserveN(time.Now(), min(messages, m.pace.Burst())).Delay(); delay > 0 {
		time.Sleep(delay)
	}
}

// do does what a request asks for.
func (m *member) do(q request) *refusal {
	r := m.room
	switch q.kind {
	case "message":
		r.say(m, q.text)
	case "private":
		return r.sayTo(m, q)
	case "typing":
		return r.setTyping(m, q.on)
	case "ping":
		r.tell(m, pongMessage(q.id, time.Now()))
	case "who":
		m.wait(whoCost)
		r.who(m, q.id)
	case "help":
		r.tell(m, lineMessage(help))
	}
	return nil
}

// leaveReason returns the reason, for the other members, why m leaves after its connection
// ended with err. slow reports whether m was dropped because it was too slow.
func (m *member) leaveReason(err error) (reason string, slow bool) {
	m.room.mu.Lock()
	slow = m.slow
	m.room.mu.Unlock()
	var closed *websocket.CloseError
	switch {
	case slow, errors.Is(err, websocket.ErrSlowReader):
		return tooSlow, true
	case err == errQuit:
		return quit, false
	case errors.Is(err, websocket.ErrNoPong):
		return timedOut, false
	case errors.As(err, &closed):
		return closed.Code.String(), false
	}
	return lost, false
}

func (m *member) hasEnded() bool {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	return m.slow || m.gone || m.out.ended()
}
