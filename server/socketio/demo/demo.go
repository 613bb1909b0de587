// Package demo is what /socket.io/ does: events that come back, acknowledgements, two
// namespaces, and rooms.
//
// In the namespaces / and /custom a client is sent its own auth payload in an event auth. In /
// there are these events:
//
//	message, anything           is answered with an event message-back with the same arguments
//	message-with-ack, anything  is acknowledged with its arguments
//	join, room                  enters a room
//	leave, room                 leaves it
//	say, room, text             sends an event said (room, id, text) to the others in the room
//
// A client that asks for an acknowledgement of join, leave or say gets null, or the reason why
// nothing was done. To say something to one client, its id serves as the room.
package demo

import (
	"encoding/json"
	"errors"

	"golang.org/x/time/rate"

	"framescope/server/socketio"
)

// Add adds the demo's namespaces to a server.
func Add(io *socketio.Server) {
	root := io.Namespace("/")
	root.OnConnect(welcome)
	root.On("message", func(s *socketio.Socket, args socketio.Args) {
		_ = s.Emit("message-back", args) // if it fails, the client has gone
	})
	root.On("message-with-ack", func(_ *socketio.Socket, args socketio.Args) socketio.Args { return args })
	root.Handle(rooms{})

	io.Namespace("/custom").OnConnect(welcome)
}

// welcome accepts every client.
func welcome(s *socketio.Socket, auth json.RawMessage) error {
	if auth == nil {
		auth = json.RawMessage("{}")
	}
	s.SetValue("pace", rate.NewLimiter(perSecond, perSecond))
	return s.Emit("auth", auth)
}

// rooms has a method for each event of rooms: OnJoin handles join.
type rooms struct{}

func (rooms) OnJoin(s *socketio.Socket, room string) *string {
	if err := check(s, room, ""); err != nil {
		return reason(err)
	}
	return reason(s.Join(room))
}

func (rooms) OnLeave(s *socketio.Socket, room string) *string {
	if err := check(s, room, ""); err != nil {
		return reason(err)
	}
	s.Leave(room)
	return nil
}

func (rooms) OnSay(s *socketio.Socket, room, text string) *string {
	if err := check(s, room, text); err != nil {
		return reason(err)
	}
	return reason(s.To(room).Emit("said", room, s.ID(), text))
}

// Limits of what one client may do.
const (
	maxRoom   = 64       // bytes of a room's name
	maxText   = 16 << 10 // bytes of what is said
	perSecond = 200      // events of rooms
)

var (
	errRoom = errors.New("the name of a room has 1 to 64 bytes")
	errText = errors.New("a text has at most 16 KiB")
	errPace = errors.New("too fast: at most 200 events of rooms a second")
)

func check(s *socketio.Socket, room, text string) error {
	switch {
	case room == "" || len(room) > maxRoom:
		return errRoom
	case len(text) > maxText:
		return errText
	case !s.Value("pace").(*rate.Limiter).Allow():
		return errPace
	}
	return nil
}

// reason is what a client is told of an error: null if there is none.
func reason(err error) *string {
	if err == nil {
		return nil
	}
	text := err.Error()
	return &text
}
