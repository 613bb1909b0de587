// Tests of three instances: what one pushes, the receivers and rooms of all get.

package push_test

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"framescope/server/hub"
	"framescope/server/push"
	"framescope/server/websocket"
)

// TestInstances: a push reaches all instances, in order, and counts the receivers of its own.
func TestInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var local hub.Local
		var handlers []*push.Handler
		var chats []*rooms
		for range 3 {
			chats = append(chats, new(rooms))
			handlers = append(handlers, push.New(&websocket.Server{}, slog.New(slog.DiscardHandler), chats[len(chats)-1], local.Instance()))
		}
		synctest.Wait()
		if n := handlers[0].Push("", "one"); n != 2 {
			t.Errorf("%d receivers, want the 2 of this instance", n)
		}
		handlers[0].Push("lobby", "two")
		synctest.Wait()
		for i, chat := range chats {
			if want := ": one\nlobby: two"; chat.String() != want {
				t.Errorf("the chat of instance %d was told %q, want %q", i, chat, want)
			}
		}
	})
}

// listener is an instance that publishes anything.
type listener struct{}

func (listener) PeerJoined(hub.Peer, func([]byte)) {}
func (listener) Received(hub.Peer, []byte)         {}
func (listener) PeerLeft(hub.Peer, error)          {}
func (listener) Lost(hub.Peer, uint64)             {}

// TestInstanceLies: what is no text is ignored, and a flood is cut.
func TestInstanceLies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var local hub.Local
		chat, log := new(rooms), new(record)
		push.New(&websocket.Server{}, slog.New(slog.NewTextHandler(log, nil)), chat, local.Instance())
		liar := local.Instance().Join("push", listener{})
		synctest.Wait()
		for _, lie := range []string{
			"", "{", "null", `{"text":"a\nb"}`, `{"text":"\u001b[2J"}`, `{"text":""}`, `{"text":"` + strings.Repeat("x", 4097) + `"}`,
			strings.Repeat("[", 1<<20-1<<10), "\xff", `{"text":1}`, `{"text":"x","more":1}`,
		} {
			liar.Publish([]byte(lie))
			synctest.Wait()
		}
		if chat.String() != "" {
			t.Errorf("the chat was told %q", chat)
		}
		if n := strings.Count(log.String(), "was ignored"); n != 11 {
			t.Errorf("%d lies were logged, want 11: %s", n, log)
		}
		time.Sleep(time.Second) // of the bubble
		for range 3000 {
			liar.Publish([]byte(`{"text":"y"}`))
		}
		synctest.Wait()
		if n := strings.Count(chat.String(), "y"); n == 0 || n > 1000 {
			t.Errorf("%d texts of a flood of 3,000 were pushed, want at most 1,000", n)
		}
	})
}
