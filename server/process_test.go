// Tests of the process: the ready line, its warnings, and how signals end it.

package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// limitOfEnd is the time that the README promises, and a second more for a busy machine.
const limitOfEnd = 3 * time.Second

func TestSignalClosesEveryWebSocketWith1001(t *testing.T) {
	for _, signal := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			p := startProcess(t, "--addr", "127.0.0.1:0")
			conns := map[string]*websocket.Conn{
				"echo":    dial(t, p.url, "/ws/echo"),
				"chat":    dial(t, p.url, "/ws/chat?room=r&name=n"),
				"inspect": dial(t, p.url, "/ws/inspect", "framescope.v1"),
			}
			begun := time.Now()
			if err := p.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			for name, c := range conns {
				for {
					if _, _, err := c.ReadMessage(); err != nil {
						if !websocket.IsCloseError(err, websocket.CloseGoingAway) {
							t.Errorf("%s: %v, want 1001", name, err)
						}
						break
					}
				}
			}
			if code := p.wait(t); code != 0 {
				t.Errorf("exit %d: %s", code, p.stderr)
			}
			if took := time.Since(begun); took > limitOfEnd {
				t.Errorf("it took %v", took)
			}
			if _, err := http.Get(p.url); err == nil {
				t.Error("something still answers")
			}
		})
	}
}

// connectStubbornPeers connects two peers that do nothing after the handshake, or no more:
// one is silent, the other has sent so much without reading that the server's answers fill
// every buffer.
func connectStubbornPeers(t *testing.T, url string) {
	t.Helper()
	rawSocket(t, url, "/ws/echo")
	flooding := rawSocket(t, url, "/ws/echo")
	header := []byte{0x82, 0xfe, 0xff, 0xff, 0, 0, 0, 0}
	frame := append(header, make([]byte, 65535)...)
	for {
		if err := flooding.SetWriteDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if _, err := flooding.Write(frame); err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
			return // the server waits for us to read
		}
	}
}

func TestStubbornPeersDoNotDelayShutdown(t *testing.T) {
	t.Parallel()
	p := startProcess(t, "--addr", "127.0.0.1:0")
	connectStubbornPeers(t, p.url)
	begun := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code, took := p.wait(t), time.Since(begun); code != 0 || took > limitOfEnd {
		t.Errorf("exit %d after %v: %s", code, took, p.stderr)
	}
}

func TestSecondSignalExitsAtOnce(t *testing.T) {
	t.Parallel()
	p := startProcess(t, "--addr", "127.0.0.1:0")
	silent := rawSocket(t, p.url, "/ws/echo")
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	// The close frame, with 1001, shows that the server has handled the first signal.
	frame := make([]byte, 4)
	if _, err := io.ReadFull(silent, frame); err != nil || frame[0] != 0x88 || frame[2] != 0x03 || frame[3] != 0xe9 {
		t.Fatalf("% x, %v; want a close frame with 1001", frame, err)
	}
	begun := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code, took := p.wait(t), time.Since(begun); code != exitFailed || took > time.Second {
		t.Errorf("exit %d after %v", code, took)
	}
}

func TestExposedServerWarns(t *testing.T) {
	t.Parallel()
	p := startProcess(t, "--addr", "0.0.0.0:0")
	response, err := http.Get(p.url + "healthz")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 200 {
		t.Errorf("the address of the ready line answers %d", response.StatusCode)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.wait(t) // until everything has been logged
	if output := p.stderr.String(); !strings.Contains(output, "--allow-host") || strings.Count(output, "\n") != 1 {
		t.Errorf("want one warning, got %q", output)
	}
}

func TestBusyPortOfAProcess(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	output, err := command("serve", "--addr", l.Addr().String()).CombinedOutput()
	if err == nil || !strings.HasPrefix(string(output), "framescope: "+l.Addr().String()+" is in use: ") || strings.Count(string(output), "\n") != 1 {
		t.Errorf("%v, %q", err, output)
	}
}
