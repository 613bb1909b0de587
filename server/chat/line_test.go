// Tests of plain lines: what people type, and what they read.

package chat_test

import (
	"strings"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"

	"framescope/server/chat"
)

// joinLines joins without a subprotocol.
func joinLines(t *testing.T, server, query string) *person {
	t.Helper()
	c, _, err := gorilla.DefaultDialer.Dial("ws"+strings.TrimPrefix(server, "http")+"/?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	return &person{c, t}
}

func TestLines(t *testing.T) {
	h, server := serveWith(t, chat.Options{})
	ann := joinLines(t, server, "name=ann")
	ann.gets("* welcome to lobby, ann: 1 here: ann; /help lists the commands")
	bob := joinRoom(t, server, "lobby", "bob b")
	bob.gets(`{"type":"welcome","room":"lobby","name":"bob b","members":["ann","bob b"],"history":[]}`)
	ann.gets("* bob b joined (2 here)")

	ann.sends("hello\n\n<i>two</i>\r\n")
	ann.gets("ann: hello")
	ann.gets("ann: <i>two</i>")
	bob.gets(`{"type":"message","name":"ann","text":"hello"}`)
	bob.gets(`{"type":"message","name":"ann","text":"<i>two</i>"}`)
	bob.say("one\ntwo")
	ann.gets("bob b: one\nbob b: two")
	bob.gets(`{"type":"message","name":"bob b","text":"one\ntwo"}`)

	ann.sends("/msg bob b psst")
	ann.gets("* to bob b (private): psst")
	bob.gets(`{"type":"private","from":"ann","to":"bob b","text":"psst"}`)
	bob.send(map[string]any{"type": "message", "text": "a\n* operator: b", "to": "ann"})
	ann.gets("* bob b (private): a\n* bob b (private): * operator: b")
	bob.ReadMessage()
	bob.sends(`{"type":"typing"}`)

	pinged := make(chan string, 1)
	ann.SetPingHandler(func(p string) error { pinged <- p; return nil })
	for sent, want := range map[string]string{
		"/ping":        "* pong",
		"/who":         "* 2 here: ann, bob b",
		"/WHO ":        "* 2 here: ann, bob b",
		"/msg":         "* error: nothing is said: write /msg NAME TEXT",
		"/msg bob b":   `* error: nobody named "bob" is here`,
		"/msg zoe hi":  `* error: nobody named "zoe" is here`,
		"/msg bob b ":  `* error: nobody named "bob" is here`,
		"/dance":       "* error: there is no command /dance: /help lists them",
		"a\x1b[2J":     "* error: the text holds U+001B, a control character",
		"//who":        "ann: /who",
		"/help":        "* Each line is said to everyone here. Commands: /who lists who is here, /msg NAME TEXT is read by NAME alone, /ping asks for an answer, /quit leaves. A line that begins with // is said with one of them.",
		"x: y: * z":    "ann: x: y: * z",
		"{\"type\":1}": "ann: {\"type\":1}",
	} {
		ann.sends(sent)
		ann.gets(want)
	}
	if len(pinged) != 1 {
		t.Error("no ping came")
	}
	ann.sends(strings.Repeat("x", 4097))
	ann.gets("* error: the text has 4097 bytes, at most 4096 are allowed")
	ann.sends(strings.Repeat("l\n", 70))
	for range 64 {
		ann.gets("ann: l")
	}
	ann.gets("* error: the message has more than 64 lines: the others are not said")
	if h.Operator("", "noon") != 2 {
		t.Error("the operator did not reach both")
	}
	ann.gets("* operator: noon")
	bob.sends(`{"type":"quit"}`)
	ann.gets("* bob b left: quit (1 here)")
	ann.sends("last\n/quit\nnever said")
	ann.gets("ann: last")
	if _, _, err := ann.ReadMessage(); !gorilla.IsCloseError(err, gorilla.CloseNormalClosure) || !strings.Contains(err.Error(), "goodbye") {
		t.Error(err)
	}
}

// TestUnknownSubprotocol: with none that the chat speaks, the client gets plain lines and no
// subprotocol in the answer.
func TestUnknownSubprotocol(t *testing.T) {
	_, server := serveWith(t, chat.Options{})
	d := gorilla.Dialer{Subprotocols: []string{"framescope.chat.v2", "mqtt"}}
	c, r, err := d.Dial("ws"+strings.TrimPrefix(server, "http")+"/?name=ann", nil)
	if err != nil || r.Header.Values("Sec-WebSocket-Protocol") != nil {
		t.Fatal(err, r)
	}
	defer c.Close()
	(&person{c, t}).gets("* welcome to lobby, ann: 1 here: ann; /help lists the commands")
	d.Subprotocols = []string{"mqtt", chat.Subprotocol}
	c, _, err = d.Dial("ws"+strings.TrimPrefix(server, "http")+"/?name=bob", nil)
	if err != nil || c.Subprotocol() != chat.Subprotocol {
		t.Fatal(err, c.Subprotocol())
	}
	c.Close()
}
