// Rooms with real clients: who hears what, and what becomes of the dead.

package chat_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"framescope/server/chat"
	"framescope/server/websocket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func serve(t *testing.T, o websocket.Options) string {
	t.Helper()
	server := httptest.NewServer(chat.New(&websocket.Server{Options: o}, slog.New(slog.DiscardHandler)))
	t.Cleanup(server.Close)
	return server.URL
}

// person is a member of a room.
type person struct {
	*gorilla.Conn
	t *testing.T
}

// event is what the README documents.
type event struct {
	Type, Room, Name, Text, Time, Reason string
	Members                              any
}

func (e event) String() string {
	return strings.Join(strings.Fields(fmt.Sprintln(e.Type, e.Room, e.Name, e.Text, e.Reason, e.Members)), " ")
}

func enter(t *testing.T, server, room, name string) *person {
	t.Helper()
	q := url.Values{"room": {room}, "name": {name}}
	c, _, err := gorilla.DefaultDialer.Dial("ws"+strings.TrimPrefix(server, "http")+"/?"+q.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	return &person{c, t}
}

func (p *person) hears(want string) {
	p.t.Helper()
	kind, text, err := p.ReadMessage()
	if err != nil || kind != gorilla.TextMessage {
		p.t.Fatalf("wanted %q, got kind %d, %v", want, kind, err)
	}
	var e event
	if err := json.Unmarshal(text, &e); err != nil || e.String() != want {
		p.t.Fatalf("heard %s, %v; want %q", text, err, want)
	}
	if e.Type == "message" {
		if _, err := time.Parse(time.RFC3339, e.Time); err != nil {
			p.t.Error(err)
		}
	}
}

func (p *person) says(text string) {
	p.t.Helper()
	if err := p.WriteMessage(gorilla.TextMessage, []byte(text)); err != nil {
		p.t.Fatal(err)
	}
}

func TestRoom(t *testing.T) {
	server := serve(t, websocket.Options{})
	ann := enter(t, server, "r", "ann")
	ann.hears("welcome r ann [ann]")
	bob := enter(t, server, "r", "bob")
	bob.hears("welcome r bob [ann bob]")
	ann.hears("join bob 2")
	other := enter(t, server, "", "")
	other.hears("welcome lobby guest-1 [guest-1]")
	second := enter(t, server, "r", "ann")
	second.hears("welcome r ann-2 [ann ann-2 bob]")
	ann.hears("join ann-2 3")
	bob.hears("join ann-2 3")
	bob.says(`hi "all" <b>`)
	for _, p := range []*person{ann, bob, second} {
		p.hears(`message bob hi "all" <b> <nil>`)
	}
	pinged := false
	bob.SetPingHandler(func(string) error { pinged = true; return nil })
	bob.says("/ping")
	ann.WriteMessage(gorilla.CloseMessage, gorilla.FormatCloseMessage(1000, "bye"))
	bob.hears("leave ann 1000 normal closure 2")
	if !pinged {
		t.Error("no ping came")
	}
	// One that vanishes without a word is announced too.
	second.NetConn().Close()
	bob.hears("leave ann-2 1006 abnormal closure 1")
	other.says("alone")
	other.hears("message guest-1 alone <nil>")
}

func TestWhatIsRefused(t *testing.T) {
	server := serve(t, websocket.Options{})
	p := enter(t, server, "r", "p")
	p.hears("welcome r p [p]")
	p.WriteMessage(gorilla.BinaryMessage, []byte("x"))
	if _, _, err := p.ReadMessage(); !gorilla.IsCloseError(err, gorilla.CloseUnsupportedData) {
		t.Error(err)
	}
	p = enter(t, server, "r2", "p")
	p.hears("welcome r2 p [p]")
	p.says(strings.Repeat("x", 4<<10))
	p.ReadMessage()
	p.says(strings.Repeat("x", 4<<10+1))
	if _, _, err := p.ReadMessage(); !gorilla.IsCloseError(err, gorilla.CloseMessageTooBig) {
		t.Error(err)
	}
	for _, q := range []string{"name=" + strings.Repeat("x", 65), "room=%00", "name=%ff", "name=a%0Ab"} {
		r, err := http.Get(server + "/?" + q)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(r.Body)
		r.Body.Close()
		if r.StatusCode != 400 || !strings.Contains(string(body), "64 bytes") {
			t.Errorf("%s: %d %s", q, r.StatusCode, body)
		}
	}
}

func TestSlowMemberIsDroppedAndHoldsNobodyUp(t *testing.T) {
	server := serve(t, websocket.Options{SendQueue: 64 << 10})
	slow := enter(t, server, "r", "slow")
	slow.hears("welcome r slow [slow]")
	quick := enter(t, server, "r", "quick")
	quick.hears("welcome r quick [quick slow]")
	line := strings.Repeat("x", 4<<10)
	// The slow one reads nothing: kernel buffers, then its queue, then it is out.
	for {
		quick.says(line)
		_, text, err := quick.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(string(text), `{"type":"leave"`) {
			break
		}
	}
}
