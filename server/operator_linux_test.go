// Tests of --operator: from a pipe and a terminal, to receivers, and the end of the server.

package main

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

func TestOperatorPushes(t *testing.T) {
	for _, input := range []string{"pipe", "terminal"} {
		t.Run(input, func(t *testing.T) {
			in, typed, err := os.Pipe()
			if input == "terminal" {
				typed, in = pseudoTerminal(t)
			} else if err != nil {
				t.Fatal(err)
			}
			p := &process{stderr: &lockedBuffer{}, exited: make(chan struct{})}
			p.start(t, []string{"--addr", "127.0.0.1:0", "--operator"}, func(cmd *exec.Cmd) { cmd.Stdin, cmd.Stderr = in, p.stderr })
			receiver := dial(t, p.url, "/ws/push")
			for _, line := range []string{"lunch is ready", "grüße"} {
				if _, err := typed.WriteString(line + "\n"); err != nil {
					t.Fatal(err)
				}
				if _, text, err := receiver.ReadMessage(); err != nil || string(text) != line {
					t.Fatalf("got %q, %v; want %q", text, err, line)
				}
			}
			if !p.stderr.await("receivers=1") {
				t.Errorf("the log does not say how many received: %s", p.stderr)
			}
			// The input is still open: nothing may wait for it.
			if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if code := p.wait(t); code != 0 {
				t.Errorf("exit %d: %s", code, p.stderr)
			}
			in.Close()
			typed.Close()
		})
	}
}

// TestOperatorInputEnds: the server goes on after the end of its input.
func TestOperatorInputEnds(t *testing.T) {
	p := &process{stderr: &lockedBuffer{}, exited: make(chan struct{})}
	p.start(t, []string{"--addr", "127.0.0.1:0", "--operator"}, func(cmd *exec.Cmd) {
		cmd.Stdin, cmd.Stderr = strings.NewReader("nobody is here yet"), p.stderr
	})
	if !p.stderr.await("input has ended") {
		t.Errorf("the log says %s", p.stderr)
	}
	receiver := dial(t, p.url, "/ws/push")
	answer, err := http.Post(p.url+"api/broadcast", "application/json", strings.NewReader(`{"text":"still here"}`))
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatal(answer, err)
	}
	answer.Body.Close()
	if _, text, err := receiver.ReadMessage(); err != nil || string(text) != "still here" {
		t.Errorf("%q, %v", text, err)
	}
}
