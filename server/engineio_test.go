// Tests of /engine.io/ in the process: its flags, the capture, and how it ends with the server.

package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// getOK returns the body of an answer with status 200.
func getOK(t *testing.T, url string) string {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s, %s, %v", url, answer.Status, b, err)
	}
	return string(b)
}

func TestEngineIOFlags(t *testing.T) {
	p := startProcess(t, "--addr", "127.0.0.1:0", "--socketio-ping-interval", "300ms", "--socketio-ping-timeout", "200ms",
		"--socketio-max-payload", "5000", "--socketio-origin", "https://APP.example:443")
	open := getOK(t, p.url+"engine.io/?EIO=4&transport=polling")
	var fields map[string]any
	if err := json.Unmarshal([]byte(open[1:]), &fields); err != nil {
		t.Fatal(err)
	}
	if fields["pingInterval"] != 300.0 || fields["pingTimeout"] != 200.0 || fields["maxPayload"] != 5000.0 {
		t.Errorf("open packet %s", open)
	}
	for origin, status := range map[string]int{"https://app.example": 200, "https://evil.example": 403} {
		r, _ := http.NewRequest("GET", p.url+"engine.io/?EIO=4&transport=polling", nil)
		r.Header.Set("Origin", origin)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != status {
			t.Errorf("%s: %s", origin, answer.Status)
		}
	}
}

func TestSocketIOFlagsThatAreWrong(t *testing.T) {
	for _, c := range [][2]string{
		{"--socketio-ping-interval", "0s"}, {"--socketio-ping-timeout", "25h"}, {"--socketio-connect-timeout", "-1s"},
		{"--socketio-max-payload", "0"}, {"--socketio-origin", "app.example"}, {"--socketio-origin", "https://app.example/path"},
		{"--socketio-origin", "https://a*.example"}, {"--socketio-origin", "chrome-extension://*"},
	} {
		out, err := command("serve", "--addr", "127.0.0.1:0", c[0], c[1]).CombinedOutput()
		if err == nil || !strings.Contains(string(out), c[0]) || strings.Count(string(out), "\n") != 1 {
			t.Errorf("%v: %v, %s", c, err, out)
		}
	}
}

// TestSignalEndsSessions: neither polls that wait nor sessions that nobody polls keep the process.
func TestSignalEndsSessions(t *testing.T) {
	p := startProcess(t, "--addr", "127.0.0.1:0")
	polls := make(chan struct{})
	const sessions = 20
	for range sessions {
		open := getOK(t, p.url+"engine.io/?EIO=4&transport=polling")
		sid := strings.Split(open, `"`)[3]
		go func() {
			defer func() { polls <- struct{}{} }()
			if answer, err := http.Get(p.url + "engine.io/?EIO=4&transport=polling&sid=" + sid); err == nil {
				answer.Body.Close()
			}
		}()
	}
	c := dial(t, p.url, "/engine.io/?EIO=4&transport=websocket")
	if _, _, err := c.ReadMessage(); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	c.ReadMessage()
	c.Close()
	if code := p.wait(t); code != 0 {
		t.Errorf("exit %d: %s", code, p.stderr)
	}
	if took := time.Since(begun); took > limitOfEnd {
		t.Errorf("it took %v", took)
	}
	for range sessions {
		<-polls
	}
}
