// Package chat serves /ws/chat?room=R&name=N: chat rooms. What a member says is sent to
// every member of its room, itself included.
//
// A client that offers the subprotocol framescope.chat.v1 sends and receives JSON objects,
// each as a text message. It may send these:
//
//	{"type":"message","text":"hi"}             to everyone in the room
//	{"type":"message","text":"hi","to":"bob"}  to bob alone
//	{"type":"typing"}                          it types; with "on":false it stopped
//	{"type":"who"}                             who is here?
//	{"type":"ping"}                            is the server there?
//	{"type":"quit"}                            leave: the server closes with 1000
//
// Each may have an "id", a string of at most 64 bytes, which an error, a pong or a who that
// answers it repeats. The server sends these:
//
//	{"type":"welcome","room":"lobby","name":"ann","members":["ann","bob"],"history":[…]}
//	{"type":"join","name":"bob","members":2}
//	{"type":"message","name":"bob","text":"hi","time":"2026-01-02T15:04:05Z"}
//	{"type":"private","from":"ann","to":"bob","text":"hi","time":"2026-01-02T15:04:05Z"}
//	{"type":"typing","name":"bob","on":true}
//	{"type":"operator","text":"the server restarts at noon","time":"2026-01-02T15:04:05Z"}
//	{"type":"leave","name":"bob","reason":"1000 normal closure","members":1}
//	{"type":"error","code":"no-such-member","text":"nobody named bo is here","refers":"message"}
//	{"type":"who","members":["ann","bob"],"count":2}
//	{"type":"pong","time":"2026-01-02T15:04:05Z"}
//
// The welcome is sent first. It lists the members of the room at that moment, sorted,
// the newcomer included, and the last 50 messages, the oldest first. A list of more than
// 500 names, and lists of more than 16 KiB, are sent in pieces right after a welcome with
// an empty list, before anything else; in the last piece "more" is false:
//
//	{"type":"welcome","room":"lobby","name":"ann","members":[],"history":[],"more":true}
//	{"type":"members","members":["abe","ann"],"more":true}
//	{"type":"members","members":["bob"],"more":true}
//	{"type":"history","history":[…],"more":false}
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
// Without that subprotocol a client sends and receives plain lines, for people who type
// them: each line of a message is said, or is a command such as /who; /help lists those.
// What a member says comes as "name: text". Lines of the server begin with "* ", as no
// member's name does. See line.go.
//
// Room and name have at most 64 bytes of visible text. The default room is lobby, and the
// default names are guest-1, guest-2 and so on; if the name is in use, a number is added to
// it. A member that does not read fast enough is dropped with the reason "too slow": when
// it is 1 MiB behind the others, or when one write to it takes 10 seconds. One that is
// silent and does not answer a ping is dropped with the reason "timed out".
package chat

import (
	"log/slog"
	"net/http"
	"time"

	"framescope/server/hub"
	"framescope/server/websocket"
)

// Subprotocol is the subprotocol of JSON events.
const Subprotocol = "framescope.chat.v1"

// MaxMessageSize is the size in bytes of the largest message that a client may send. The
// text in it has at most 4 KiB, but JSON may write a character as six bytes.
const MaxMessageSize = 32 << 10

// Options say how the chat is served. A field that is zero has its default.
type Options struct {
	// Authorize, if not nil, is called for each request before anything else. A request for
	// which it returns an error is answered with 401 and the error's text, one line that
	// says what to give.
	Authorize func(*http.Request) error
	// IdleTimeout is how long a member may be silent before it is pinged: 30 s by default.
	// It leaves if nothing comes from it for PongTimeout after that: 15 s by default.
	IdleTimeout, PongTimeout time.Duration
	// MessageRate is how many messages a second of one member are read in the long run:
	// 200 by default. More are read later. Twice as many may come at once.
	MessageRate int
	// Hub, if not nil, joins the rooms of several instances of the chat. If others are in
	// reach, the first member of a room waits up to a quarter of a second for what they say of
	// it.
	Hub hub.Hub
}

func (o Options) withDefaults() Options {
	if o.IdleTimeout <= 0 {
		o.IdleTimeout = 30 * time.Second
	}
	if o.PongTimeout <= 0 {
		o.PongTimeout = 15 * time.Second
	}
	if o.MessageRate <= 0 {
		o.MessageRate = 200
	}
	return o
}

// Handler serves the chat and keeps its rooms. Make it with New.
type Handler struct {
	server  *websocket.Server
	log     *slog.Logger
	options Options
	sockets websocket.Options // of the members' connections
	rooms   rooms
}

// New returns the handler of a chat that has no rooms yet.
func New(server *websocket.Server, log *slog.Logger, o Options) *Handler {
	h := &Handler{server: server, log: log, options: o.withDefaults(), sockets: server.Options}
	h.sockets.IdleTimeout, h.sockets.PongTimeout = h.options.IdleTimeout, h.options.PongTimeout
	if h.sockets.MaxMessageSize <= 0 || h.sockets.MaxMessageSize > MaxMessageSize {
		h.sockets.MaxMessageSize = MaxMessageSize
	}
	h.rooms.hub, h.rooms.log = o.Hub, log
	h.rooms.init(&server.Options)
	return h
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	roomName, name, err := h.admit(r)
	if err != nil {
		refuse(w, err)
		return
	}
	o := &websocket.AcceptOptions{
		Subprotocols: []string{Subprotocol},
		// A browser always offers compression; without it the payloads can be read on the wire.
		NoCompression: r.URL.Query().Get("deflate") == "off",
		Options:       &h.sockets,
	}
	// Handle has answered a handshake that it refused, and the capture shows why.
	_ = h.server.Handle(w, r, o, func(c *websocket.Conn) { h.serve(c, roomName, name) })
}

// Operator sends a text of the operator to a room, or to all rooms if room is "". It
// returns the number of members to whom it goes: none if the text is refused, as one with
// control characters is.
func (h *Handler) Operator(room, text string) (receivers int) {
	text, refused := checkText(text)
	if refused != nil {
		return 0
	}
	msg := operatorMessage(text, time.Now())
	for _, r := range h.rooms.named(room) {
		receivers += r.announceText(msg)
	}
	return receivers
}
