// A test of a room that fills up after a request for it was admitted.

package chat

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	gorilla "github.com/gorilla/websocket"

	"framescope/server/websocket"
)

func TestRoomFillsUpDuringTheHandshake(t *testing.T) {
	h := New(&websocket.Server{}, slog.New(slog.DiscardHandler), Options{})
	r, err := h.rooms.find("r")
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxMembers {
		r.members[numbered("m", i)] = &member{}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		o := &websocket.AcceptOptions{Subprotocols: []string{Subprotocol}}
		_ = h.server.Handle(w, req, o, func(c *websocket.Conn) { h.serve(c, "r", "ann") })
	}))
	defer server.Close()
	for subprotocol, want := range map[string]string{
		Subprotocol: `{"type":"error","code":"no-room","text":"the room is full: join another, or try again later"}`,
		"":          "* error: the room is full: join another, or try again later",
	} {
		d := gorilla.Dialer{}
		if subprotocol != "" {
			d.Subprotocols = []string{subprotocol}
		}
		c, _, err := d.Dial("ws"+strings.TrimPrefix(server.URL, "http"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, text, err := c.ReadMessage(); err != nil || string(text) != want {
			t.Errorf("%s, %v, want %s", text, err, want)
		}
		if _, _, err := c.ReadMessage(); !gorilla.IsCloseError(err, gorilla.CloseTryAgainLater) || !strings.Contains(err.Error(), "the room is full") {
			t.Error(err)
		}
		c.Close()
	}
}
