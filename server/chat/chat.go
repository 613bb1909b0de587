// Package chat serves /ws/chat?room=R&name=N: rooms in which what one says
// reaches all.
//
// A client sends text messages: each is a line, as it stands, at most 4 KiB.
// "/ping" asks for a ping. The server sends JSON objects as text messages:
//
//	{"type":"welcome","room":"lobby","name":"ann","members":["ann","bob"]}
//	{"type":"join","name":"bob","members":2}
//	{"type":"message","name":"bob","text":"hi","time":"2026-01-02T15:04:05Z"}
//	{"type":"leave","name":"bob","reason":"1000 normal closure","members":1}
//
// The welcome comes first; its members are those that the room has from then on,
// sorted, the newcomer among them. A list of more than 500 names or 16 KiB comes in
// pieces right behind a welcome that has none of it, before anything else:
//
//	{"type":"welcome","room":"lobby","name":"ann","members":[],"more":true}
//	{"type":"members","members":["abe","ann"],"more":true}
//	{"type":"members","members":["bob"],"more":false}
//
// When many come and go, they are announced together, several names in one event:
//
//	{"type":"join","names":["abe","bob"],"members":7}
//	{"type":"leave","names":["abe","bob"],"reasons":["1001 going away","too slow"],"members":5}
//
// So the welcome's list, changed by every join and leave that follows, is the room at
// each moment, and "members" is its length. A newcomer waits for its welcome until it
// is announced: not at all in a small room, about a tenth of a second where ten thousand
// are, and longer while the server has more to send than it can.
//
// Room and name have at most 64 bytes of visible text; without them it is the room
// lobby and a name guest-1, guest-2, …; a name that is taken gets a number. A member that
// does not take in what is said is dropped with the reason "too slow": 1 MiB behind the
// others, or 10 seconds in one write.
package chat

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

const maxLine = 4 << 10 // bytes of what is said at once

// Handler holds the rooms. Make it with New.
type Handler struct {
	server *websocket.Server
	log    *slog.Logger
	rooms  rooms
}

// New makes a chat without rooms.
func New(server *websocket.Server, log *slog.Logger) *Handler {
	h := &Handler{server: server, log: log}
	h.rooms.init(&server.Options)
	return h
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	roomName, name, err := namesIn(r.URL.RawQuery)
	if err != nil {
		w.Header().Set("Connection", "close")
		http.Error(w, "400 bad request: "+err.Error(), http.StatusBadRequest)
		return
	}
	// A refusal has been answered, and is in the capture.
	_ = h.server.Handle(w, r, func(c *websocket.Conn) { h.serve(c, roomName, name) })
}

func (h *Handler) serve(c *websocket.Conn, roomName, name string) {
	m, err := h.rooms.join(c, roomName, name)
	if err != nil {
		c.Close(protocol.CloseTryAgainLater, err.Error())
		return
	}
	err = errFailed
	defer func() {
		why, slow := m.end(err)
		who := h.log.With("remote", c.RemoteAddr(), "room", roomName, "name", m.name)
		if slow {
			who.Warn("chat member dropped", "why", why)
		} else {
			who.Info("chat member left", "why", err)
		}
		m.room.leave(m, why)
	}()
	err = listen(m)
}

// errFailed stands for the end of a listen that did not return.
var errFailed = errors.New("the server failed")

// listen passes on what a member says until the connection ends.
func listen(m *member) error {
	for {
		op, p, err := m.conn.ReadMessage()
		switch {
		case err != nil:
			return err
		case op != protocol.OpText:
			m.conn.Close(protocol.CloseUnsupportedData, "a chat line is a text message")
			return m.conn.Err()
		case len(p) > maxLine:
			m.conn.Close(protocol.CloseMessageTooBig, "a chat line has at most 4096 bytes")
			return m.conn.Err()
		case string(p) == "/ping":
			if err := m.conn.Ping(nil); err != nil && !errors.Is(err, websocket.ErrClosed) {
				return err // the connection has ended
			}
		default:
			m.room.say(m, messageEvent(m.name, string(p), time.Now()))
		}
	}
}
