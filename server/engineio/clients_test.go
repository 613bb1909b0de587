// Tests with clients that others wrote: npm's engine.io-client and Debian's python3-engineio.

package engineio_test

import (
	"context"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"framescope/server/engineio"
)

// run runs a client to its end and returns what it printed.
func run(t *testing.T, command string, arguments ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, command, arguments...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %v: %v\n%s", command, arguments, err, out)
	}
	return strings.TrimSpace(string(out))
}

// TestClients: messages come back in order over each transport, and while it changes.
func TestClients(t *testing.T) {
	frontend, err := filepath.Abs("../../frontend/package.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ transports, npm, python string }{
		{"polling", "received 300 over polling", "received 300 over polling"},
		{"websocket", "received 300 over websocket", "received 300 over websocket"},
		{"polling,websocket", "received 600 over websocket", "received 300 over websocket"},
	} {
		t.Run(c.transports, func(t *testing.T) {
			closed := make(chan engineio.Reason, 2)
			p := start(t, engineio.Options{Open: func(s *engineio.Session, _ *http.Request) engineio.Handler { return closing{s, closed} }})
			base, _, _ := strings.Cut(p.url, "/engine.io/")
			if out := run(t, "node", "testdata/client.mjs", frontend, base, c.transports); out != c.npm {
				t.Errorf("npm's client printed %q, want %q", out, c.npm)
			}
			if out := run(t, "/usr/bin/python3", "testdata/client.py", base, c.transports); out != c.python {
				t.Errorf("Python's client printed %q, want %q", out, c.python)
			}
			for range 2 {
				if reason := <-closed; reason != engineio.ReasonTransportClose {
					t.Errorf("closed for %v", reason)
				}
			}
		})
	}
}
