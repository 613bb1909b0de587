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
// Room and name are at most 64 bytes; without them it is the room lobby and a
// name guest-1, guest-2, …; a name that is taken gets a number.
package chat

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"framescope/protocol"
	"framescope/server/websocket"
)

const (
	maxName = 64      // bytes of a room's or a member's name
	maxLine = 4 << 10 // bytes of a line
)

// Handler holds the rooms. Make it with New.
type Handler struct {
	server *websocket.Server
	log    *slog.Logger
	rooms  rooms
}

// New makes a chat without rooms.
func New(server *websocket.Server, log *slog.Logger) *Handler {
	return &Handler{server: server, log: log, rooms: rooms{open: map[string]*room{}}}
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	roomName, name := q.Get("room"), q.Get("name")
	if roomName == "" {
		roomName = "lobby"
	}
	if !validName(roomName) || name != "" && !validName(name) {
		http.Error(w, "room and name are 1 to 64 bytes of printable text", http.StatusBadRequest)
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
	err = h.listen(m)
	h.rooms.leave(m, reason(err))
	h.log.Info("chat member left", "remote", c.RemoteAddr(), "why", err)
}

func validName(s string) bool {
	return s != "" && len(s) <= maxName && utf8.ValidString(s) &&
		!strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) })
}

// listen passes on what a member says until the connection ends.
func (h *Handler) listen(m *member) error {
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
			m.room.say(event{Type: "message", Name: m.name, Text: string(p), Time: time.Now().UTC().Format(time.RFC3339Nano)})
		}
	}
}

// reason says for the others why a member left.
func reason(err error) string {
	var closed *websocket.CloseError
	if errors.As(err, &closed) {
		return closed.Code.String()
	}
	return "connection lost"
}
