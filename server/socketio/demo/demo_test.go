// Tests of the demo: what the README says of /socket.io/, packet by packet.

package demo

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"framescope/server/engineio"
	"framescope/server/socketio"
	"framescope/server/websocket"
)

// client is a WebSocket session.
type client struct {
	t    *testing.T
	conn *websocket.Conn
	id   string
}

// connect connects to a namespace and reads the event auth.
func connect(t *testing.T, url, packet, auth string) *client {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), strings.Replace(url, "http", "ws", 1)+"/socket.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.CloseNow)
	c := &client{t: t, conn: conn}
	c.next()
	c.send(packet)
	_, c.id, _ = strings.Cut(strings.TrimSuffix(c.next(), `"}`), `"sid":"`)
	c.expect(auth)
	return c
}

func (c *client) send(packet string) {
	c.t.Helper()
	if err := c.conn.WriteMessage(websocket.Text, []byte(packet)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) next() string {
	c.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, p, err := c.conn.ReadMessage()
	if err != nil {
		c.t.Fatal(err)
	}
	return string(p)
}

func (c *client) expect(packets ...string) {
	c.t.Helper()
	for _, want := range packets {
		if got := c.next(); got != want {
			c.t.Fatalf("got %.200s, want %.200s", got, want)
		}
	}
}

// ask sends an event that is acknowledged.
func (c *client) ask(event, reply string) {
	c.t.Helper()
	c.send("427" + event)
	c.expect("437" + reply)
}

func start(t *testing.T) string {
	t.Helper()
	io := socketio.New(socketio.Options{Engine: engineio.Options{Log: slog.New(slog.DiscardHandler)}})
	Add(io)
	h := httptest.NewServer(io)
	t.Cleanup(func() {
		io.Shutdown(context.Background())
		h.Close()
	})
	return h.URL
}

func TestDemo(t *testing.T) {
	url := start(t)
	ann := connect(t, url, `40{"token":"123"}`, `42["auth",{"token":"123"}]`)
	bob := connect(t, url, `40`, `42["auth",{}]`)
	connect(t, url, `40/custom,{"a":1}`, `42/custom,["auth",{"a":1}]`)
	connect(t, url, `40/custom,`, `42/custom,["auth",{}]`)

	ann.send(`42["message",1,"2",{"3":[true]}]`)
	ann.expect(`42["message-back",1,"2",{"3":[true]}]`)
	ann.ask(`["message-with-ack",1,"2",{"3":[false]}]`, `[1,"2",{"3":[false]}]`)

	for _, c := range []*client{ann, bob} {
		c.ask(`["join","lobby"]`, `[null]`)
	}
	ann.ask(`["say","lobby","<b>hi</b>"]`, `[null]`)
	bob.expect(`42["said","lobby","` + ann.id + `","<b>hi</b>"]`)
	bob.ask(`["say","`+ann.id+`","psst"]`, `[null]`)
	ann.expect(`42["said","` + ann.id + `","` + bob.id + `","psst"]`)
	bob.ask(`["leave","lobby"]`, `[null]`)
	ann.ask(`["say","lobby","nobody"]`, `[null]`)
	bob.ask(`["message-with-ack"]`, `[]`)
}

func TestLimits(t *testing.T) {
	c := connect(t, start(t), `40`, `42["auth",{}]`)
	long := strings.Repeat("x", maxText+1)
	c.ask(`["join",""]`, `["`+errRoom.Error()+`"]`)
	c.ask(`["join","`+long+`"]`, `["`+errRoom.Error()+`"]`)
	c.ask(`["say","room","`+long+`"]`, `["`+errText.Error()+`"]`)
	c.send(`427["join",{}]`) // is not acknowledged
	refused := false
	for range 100 * perSecond {
		c.send(`427["join","room"]`)
		if refused = c.next() == `437["`+errPace.Error()+`"]`; refused {
			break
		}
	}
	if !refused {
		t.Error("no limit of events")
	}
}
