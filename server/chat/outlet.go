// Outlets: how a member is sent messages, over a WebSocket or by something else.

package chat

import (
	"framescope/server/websocket"
)

// outlet is a member's outgoing side. All but drop are called while the room's
// mutex is held.
type outlet interface {
	// takes reports whether the member is sent a message at all.
	takes(*message) bool
	// send sends a message, and does not wait. After websocket.ErrSlowReader the message
	// was not taken: it is sent again once all before it has been written. After any other
	// error nothing more is sent.
	send(*message) error
	ended() bool
	// drop ends the connection; the room's mutex is not held.
	drop(reason string)
}

// events is the outlet of a WebSocket in the subprotocol of JSON events.
type events struct{ *websocket.Conn }

func (e events) takes(m *message) bool { return m.json != nil }
func (e events) send(m *message) error { return e.Send(m.json) }
func (e events) ended() bool           { return e.Err() != nil }
func (e events) drop(string)           { e.CloseNow() }

// lines is the outlet of a WebSocket without that subprotocol.
type lines struct{ *websocket.Conn }

func (l lines) takes(m *message) bool { return m.line != "" }
func (l lines) send(m *message) error { return l.Send(m.asLine()) }
func (l lines) ended() bool           { return l.Err() != nil }
func (l lines) drop(string)           { l.CloseNow() }
