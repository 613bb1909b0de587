// Examples of the package's documentation.

package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"framescope/server/socketio"
)

// A server with a function for each event.
func Example() {
	io := socketio.New(socketio.Options{})
	root := io.Namespace("/")
	root.OnConnect(func(s *socketio.Socket, auth json.RawMessage) error {
		var user struct{ Name string }
		if err := json.Unmarshal(auth, &user); err != nil || user.Name == "" {
			return socketio.Refuse("give a name", map[string]any{"example": map[string]string{"Name": "ann"}})
		}
		s.SetValue("name", user.Name)
		return s.Join("lobby")
	})
	root.On("say", func(s *socketio.Socket, text string) {
		_ = s.To("lobby").Emit("said", s.Value("name"), text)
	})
	root.On("upload", func(_ *socketio.Socket, name string, file []byte) (size int, err error) {
		if name == "" {
			return 0, errors.New("a file without a name")
		}
		return len(file), nil
	})
	root.OnDisconnect(func(s *socketio.Socket, reason socketio.Reason) {
		_ = root.To("lobby").Emit("left", s.Value("name"), reason)
	})
	http.Handle("/socket.io/", io)
}

// game has the handlers of a namespace as its methods. Those of different clients run at the same
// time.
type game struct{ moves atomic.Int64 }

// OnMakeMove handles "make move", "make_move" and "makeMove".
func (g *game) OnMakeMove(s *socketio.Socket, x, y int) (moves int64) {
	_ = s.Others().Emit("moved", x, y)
	return g.moves.Add(1)
}

func ExampleNamespace_Handle() {
	io := socketio.New(socketio.Options{})
	io.Namespace("/game").Handle(new(game))
}

// A handler that needs an answer of the client waits for it in a goroutine of its own.
func ExampleSocket_Go() {
	io := socketio.New(socketio.Options{})
	io.Namespace("/").On("order", func(s *socketio.Socket, dish string) error {
		return s.Go(func(ctx context.Context) {
			reply, err := s.Call(ctx, "are you sure?", dish)
			var sure bool
			if err != nil || reply.Decode(&sure) != nil || !sure {
				return // disconnected, too late, or no
			}
			fmt.Println(dish, "for", s.ID())
		})
	})
}
