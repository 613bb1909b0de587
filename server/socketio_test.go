// Tests of /socket.io/ in the process: its flags, the capture, and how it ends with the server.

package main

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"framescope/server/websocket"
)

// openSocketIO opens a WebSocket session and returns what comes first.
func openSocketIO(t *testing.T, url string) (c *websocket.Conn, open string) {
	t.Helper()
	c, _, err := websocket.Dial(t.Context(), strings.Replace(url, "http", "ws", 1)+"socket.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseNow)
	_, p, err := c.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	return c, string(p)
}

func TestSocketIOFlags(t *testing.T) {
	p := startProcess(t, "--addr", "127.0.0.1:0", "--socketio-connect-timeout", "50ms", "--socketio-recovery", "1m")
	c, _ := openSocketIO(t, p.url)
	if _, text, err := c.ReadMessage(); err == nil {
		t.Errorf("got %s instead of the end", text)
	}
	c, _ = openSocketIO(t, p.url)
	if err := c.WriteMessage(websocket.Text, []byte("40")); err != nil {
		t.Fatal(err)
	}
	if _, text, err := c.ReadMessage(); err != nil || !strings.Contains(string(text), `"pid":"`) {
		t.Errorf("connected with %s, %v: no recovery", text, err)
	}
	out, err := command("serve", "--addr", "127.0.0.1:0", "--socketio-recovery", "-1s").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "--socketio-recovery -1s is out of range") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestSignalEndsSocketIO: the sockets are closed with 1001, and polls are answered.
func TestSignalEndsSocketIO(t *testing.T) {
	p := startProcess(t, "--addr", "127.0.0.1:0")
	c, _ := openSocketIO(t, p.url)
	if err := c.WriteMessage(websocket.Text, []byte("40")); err != nil {
		t.Fatal(err)
	}
	open := getOK(t, p.url+"socket.io/?EIO=4&transport=polling")
	sid := strings.Split(open, `"`)[3]
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		if answer, err := http.Get(p.url + "socket.io/?EIO=4&transport=polling&sid=" + sid); err == nil {
			answer.Body.Close()
		}
	}()
	for range 2 { // the CONNECT and the event auth
		if _, _, err := c.ReadMessage(); err != nil {
			t.Fatal(err)
		}
	}
	begun := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.ReadMessage(); err == nil || !strings.Contains(err.Error(), "1001") {
		t.Errorf("the WebSocket ended with %v", err)
	}
	<-answered
	if code := p.wait(t); code != 0 || time.Since(begun) > limitOfEnd {
		t.Errorf("exit %d after %v: %s", code, time.Since(begun), p.stderr)
	}
}
