// Package chat serves /ws/chat?room=R&name=N: chat rooms. What a member says is sent to
// every member of its room, itself included.
//
// A client sends text messages. Each is a line of chat, of at most 4 KiB; "/ping" asks for
// a ping instead. The server sends JSON objects, each as a text message:
//
//	{"type":"welcome","room":"lobby","name":"ann","members":["ann","bob"]}
//	{"type":"join","name":"bob","members":2}
//	{"type":"message","name":"bob","text":"hi","time":"2026-01-02T15:04:05Z"}
//	{"type":"leave","name":"bob","reason":"1000 normal closure","members":1}
//
// The welcome is sent first. It lists the members of the room at that moment, sorted,
// the newcomer included. A list of more than 500 names or 16 KiB is sent in pieces right
// after a welcome with an empty list, before anything else:
//
//	{"type":"welcome","room":"lobby","name":"ann","members":[],"more":true}
//	{"type":"members","members":["abe","ann"],"more":true}
//	{"type":"members","members":["bob"],"more":false}
//
// When many members come and go, they are announced together, several names in one event:
//
//	{"type":"join","names":["abe","bob"],"members":7}
//	{"type":"leave","names":["abe","bob"],"reasons":["1001 going away","too slow"],"members":5}
//
// So a client that applies each join and leave to the list in the welcome always knows who
// is in the room; the "members" of a join or leave is the number of members after it. A
// newcomer gets its welcome when it is announced: at once in a small room, after about a
// tenth of a second in a room of ten thousand, and later while the server has more to send
// than it can.
//
// Room and name have at most 64 bytes of visible text. The default room is lobby, and the
// default names are guest-1, guest-2 and so on; if the name is in use, a number is added to
// it. A member that does not read fast enough is dropped with the reason "too slow": when
// it is 1 MiB behind the others, or when one write to it takes 10 seconds.
package chat

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

const maxLine = 4 << 10 // bytes of a line of chat

// Handler serves the chat and keeps its rooms. Make it with New.
type Handler struct {
	server *websocket.Server
	log    *slog.Logger
	rooms  rooms
}

// New returns the handler of a chat that has no rooms yet.
func New(server *websocket.Server, log *slog.Logger) *Handler {
	h := &Handler{server: server, log: log}
	h.rooms.init(&server.Options)
	return h
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	roomName, name, err := parseNames(r.URL.RawQuery)
	if err != nil {
		w.Header().Set("Connection", "close")
		http.Error(w, "400 bad request: "+err.Error(), http.StatusBadRequest)
		return
	}
	// A browser always offers compression; without it the payloads can be read on the wire.
	o := &websocket.AcceptOptions{NoCompression: r.URL.Query().Get("deflate") == "off"}
	// Handle has answered a handshake that it refused, and the capture shows why.
	_ = h.server.Handle(w, r, o, func(c *websocket.Conn) { h.serve(c, roomName, name) })
}

func (h *Handler) serve(c *websocket.Conn, roomName, name string) {
	m, err := h.rooms.join(c, roomName, name)
	if err != nil {
		c.Close(protocol.CloseTryAgainLater, err.Error())
		return
	}
	err = errFailed
	defer func() {
		reason, slow := m.leaveReason(err)
		log := h.log.With("remote", c.RemoteAddr(), "room", roomName, "name", m.name)
		if slow {
			log.Warn("chat member dropped", "why", reason)
		} else {
			log.Info("chat member left", "why", err)
		}
		m.room.leave(m, reason)
	}()
	err = readLines(m)
}

// errFailed is the error with which a member leaves if readLines panics.
var errFailed = errors.New("the server failed")

// readLines sends each line of a member to its room until the connection ends.
func readLines(m *member) error {
	for {
		op, p, err := m.conn.NextMessage()
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
			if err := m.conn.SendPing(nil); err != nil && !errors.Is(err, websocket.ErrClosed) {
				return err // the connection has ended
			}
		default:
			m.room.say(m, messageEvent(m.name, string(p), time.Now()))
		}
	}
}
