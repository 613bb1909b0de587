// Tests of /api/broadcast and /api/transports in the whole server: host, method and pages.

package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestAPI(t *testing.T) {
	base := startServer(t, func(c *config) { c.origins = []string{"https://app.example"} })
	receiver := dial(t, base, "/ws/push")
	member := dial(t, base, "/ws/chat?room=den&name=ann")
	if _, welcome, err := member.ReadMessage(); err != nil || !strings.Contains(string(welcome), "ann") {
		t.Fatalf("%q, %v", welcome, err)
	}
	type fields map[string]string
	text := `{"text":"lunch is ready"}`
	for _, test := range []struct {
		method, path, host, body string
		fields                   fields
		status                   int
		says                     string
	}{
		{"POST", "api/broadcast", "", text, fields{"Content-Type": "application/json"}, 200, `{"receivers":2}`},
		{"POST", "api/broadcast", "", `{"text":"to the den","room":"den"}`, fields{"Content-Type": "application/json"}, 200, `{"receivers":1}`},
		{"POST", "api/broadcast", "", `{"text":"to nobody","room":"attic"}`, fields{"Content-Type": "application/json"}, 200, `{"receivers":0}`},
		{"POST", "api/broadcast", "evil.example", text, fields{"Content-Type": "application/json"}, 403, "--allow-host"},
		// A page that may use the WebSockets may not speak for the operator.
		{"POST", "api/broadcast", "", text, fields{"Content-Type": "application/json", "Origin": "https://app.example"}, 403, "Origin"},
		{"POST", "api/broadcast", "", text, fields{"Content-Type": "text/plain"}, 415, "application/json"},
		{"GET", "api/broadcast", "", "", nil, 405, "POST"},
		{"GET", "api/transports?text=hi", "", "", nil, 200, `"websocket"`},
		{"GET", "api/transports", "evil.example", "", nil, 403, "--allow-host"},
		{"GET", "api/transports", "", "", fields{"Origin": "https://evil.example"}, 403, "pages of this server"},
		{"POST", "api/transports", "", "", nil, 405, "GET"},
	} {
		response, answer, err := request(t, test.method, base+test.path, test.host, test.fields, test.body)
		if err != nil || response.StatusCode != test.status || !strings.Contains(string(answer), test.says) || strings.Count(string(answer), "\n") != 1 {
			t.Errorf("%s /%s %v: %d %q, %v; want %d and a line with %q", test.method, test.path, test.fields, response.StatusCode, answer, err, test.status, test.says)
		}
		if test.status == 200 && strings.HasPrefix(test.path, "api/transports") && !json.Valid(answer) {
			t.Errorf("%q is no JSON", answer)
		}
	}
	if _, got, err := receiver.ReadMessage(); err != nil || string(got) != "lunch is ready" {
		t.Errorf("a receiver got %q, %v", got, err)
	}
	for _, want := range []string{"lunch is ready", "to the den"} {
		if _, line, err := member.ReadMessage(); err != nil || !strings.Contains(string(line), want) || !strings.Contains(string(line), "operator") {
			t.Errorf("a member got %q, %v; want %q of the operator", line, err, want)
		}
	}
}
