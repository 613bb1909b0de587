// Tests of what all members and rooms together may keep.

package chat_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	gorilla "github.com/gorilla/websocket"

	"framescope/server/chat"
	"framescope/server/memory"
	"framescope/server/websocket"
)

// deaf is a Transport that discards what it is sent.
type deaf struct{}

func (deaf) Send(string) error { return nil }
func (deaf) Drop(string)       {}

// TestFullRooms: who cannot join is told why, before the handshake.
func TestFullRooms(t *testing.T) {
	h, server := serveWith(t, chat.Options{})
	const rooms, members = 1000, 10000
	var mu sync.Mutex
	var joined []*chat.Member
	var joining sync.WaitGroup
	for i := range rooms - 1 + members {
		joining.Go(func() {
			room := "full"
			if i < rooms-1 {
				room = fmt.Sprint("room ", i)
			}
			m, err := h.Join(deaf{}, room, "")
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			joined = append(joined, m)
		})
	}
	joining.Wait()
	for query, want := range map[string]string{
		"room=full": "409 conflict: the room is full: join another, or try again later",
		"room=new":  "503 service unavailable: too many rooms are open: join one of them, or try again later",
	} {
		_, r, err := gorilla.DefaultDialer.Dial("ws"+strings.TrimPrefix(server, "http")+"/?"+query, nil)
		if err == nil {
			t.Fatalf("%s: joined", query)
		}
		if status, text := ask(t, server, query); status != r.StatusCode || text != want+"\n" {
			t.Errorf("%s: %d, %d %q", query, r.StatusCode, status, text)
		}
	}
	if _, err := h.Join(deaf{}, "full", ""); err == nil {
		t.Error("the room takes one more")
	}
	joinLines(t, server, "room=room+7&name=ann").gets("* welcome to room 7, ann: 2 here: ann, guest-1; /help lists the commands")
	for _, m := range joined {
		m.Leave("")
	}
}

// TestHistoriesAreBounded: all histories together stay within a sixteenth of the budget, and
// count in it; the rooms that were silent for the longest time are forgotten.
func TestHistoriesAreBounded(t *testing.T) {
	const limit = 16 << 20
	budget := memory.NewBudget(limit, silent)
	h := chat.New(&websocket.Server{Options: websocket.Options{Memory: budget}}, silent, chat.Options{MessageRate: 1e6})
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	for i := range 30 {
		m, err := h.Join(deaf{}, fmt.Sprint("room ", i), "ann")
		if err != nil {
			t.Fatal(err)
		}
		for range 60 {
			m.Say(strings.Repeat("<", 4<<10))
			m.Drained()
		}
		m.Leave("quit")
		if kept := h.Remembered(); kept > limit/16 || kept < min(int64(i+1)*400<<10, limit/32) || budget.Used() < kept {
			t.Fatalf("%d bytes are kept, %d counted", kept, budget.Used())
		}
	}
	// The last room is remembered, the first is not.
	last := joinRoom(t, server.URL, "room 29", "bob")
	if _, p, err := last.ReadMessage(); err != nil || !strings.Contains(string(p), `"more":true`) {
		t.Errorf("%.100s %v", p, err)
	}
	joinRoom(t, server.URL, "room 0", "bob").gets(`{"type":"welcome","room":"room 0","name":"bob","members":["bob"],"history":[]}`)
}

// TestPrivateFlood: private lines to a member that does not read are refused before they are
// many, and the member is not dropped for them.
func TestPrivateFlood(t *testing.T) {
	h, server := serveWith(t, chat.Options{MessageRate: 1e6})
	tom, err := h.Join(stuck{}, "r", "tom")
	if err != nil {
		t.Fatal(err)
	}
	ann := joinRoom(t, server, "r", "ann")
	ann.expect("welcome r ann [ann tom]")
	line := strings.Repeat("x", 4<<10)
	sent := 0
	for refused := false; !refused; sent++ {
		ann.send(map[string]any{"type": "message", "to": "tom", "text": line})
		_, p, err := ann.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		refused = strings.HasPrefix(string(p), `{"type":"error","code":"busy","text":"tom has not read`)
	}
	if sent > 40 || h.Queued() > 100<<10 {
		t.Errorf("%d are queued, %d bytes", sent, h.Queued())
	}
	ann.say("still here")
	ann.expect("message ann still here <nil>")
	tom.Leave("quit")
	ann.expect("leave tom quit 1")
}

// stuck is a Transport that is never drained and never dropped.
type stuck struct{ deaf }
