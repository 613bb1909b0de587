// A client that sends packets as they stand in the tests, right or wrong.

package socketio_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

// raw is a WebSocket session of Engine.IO.
type raw struct {
	t    testing.TB
	conn *websocket.Conn
}

// dial opens a session.
func dial(t testing.TB, url string) *raw {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, _, err := websocket.Dial(ctx, strings.Replace(url, "http", "ws", 1)+"/socket.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &raw{t, c}
	t.Cleanup(c.CloseNow)
	if open := r.next(); !strings.HasPrefix(open, `0{"sid":`) {
		t.Fatalf("the session opened with %s", open)
	}
	return r
}

// connect is dial, connected to a namespace. It returns the socket's id, too.
func connect(t testing.TB, url, namespace string) (r *raw, id string) {
	t.Helper()
	r = dial(t, url)
	r.send("40" + namespace)
	answer := r.next()
	_, id, _ = strings.Cut(answer, `"sid":"`)
	if !strings.HasPrefix(answer, "40"+namespace) || len(id) < 20 {
		t.Fatalf("connected with %s", answer)
	}
	return r, id[:20]
}

func (r *raw) send(text string) {
	r.t.Helper()
	if err := r.conn.WriteMessage(websocket.Text, []byte(text)); err != nil {
		r.t.Fatalf("send %.80s: %v", text, err)
	}
}

func (r *raw) sendBytes(p string) {
	r.t.Helper()
	if err := r.conn.WriteMessage(websocket.Binary, []byte(p)); err != nil {
		r.t.Fatalf("send bytes: %v", err)
	}
}

// next returns the next message; that of bytes has "bytes: " before it. Pings are answered.
func (r *raw) next() string {
	r.t.Helper()
	text, err := r.read()
	if err != nil {
		r.t.Fatalf("no message: %v", err)
	}
	return text
}

func (r *raw) read() (string, error) {
	_ = r.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	for {
		op, p, err := r.conn.ReadMessage()
		switch {
		case err != nil:
			return "", err
		case op == websocket.Binary:
			return "bytes: " + string(p), nil
		case string(p) == "2":
			r.send("3")
		default:
			return string(p), nil
		}
	}
}

// expect reads messages that are to be these.
func (r *raw) expect(messages ...string) {
	r.t.Helper()
	for _, want := range messages {
		if got := r.next(); got != want {
			r.t.Fatalf("got %.200s, want %.200s", got, want)
		}
	}
}

// expectClosed reads until the session is closed and the peer is told why; no event may come before.
func (r *raw) expectClosed(why string) {
	r.t.Helper()
	for {
		text, err := r.read()
		if err != nil {
			var closed *websocket.CloseError
			if !errors.As(err, &closed) || closed.Code != protocol.ClosePolicy || !strings.Contains(closed.Reason, why) {
				r.t.Fatalf("the session ended with %v, want 1008 and %q", err, why)
			}
			return
		}
		if strings.HasPrefix(text, "42") {
			r.t.Fatalf("got %s instead of the end of the session", text)
		}
	}
}
