// Every peer does all of its duty: it answers messages whole and in fragments with a
// ping between, and refuses text that is no UTF-8 with 1007.

package bench

import (
	"errors"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"framescope/protocol"
)

// fragment is a client's frame that need not be the last.
func fragment(op protocol.Opcode, fin bool, p string) []byte {
	return appendFrame(nil, protocol.Header{Fin: fin, Opcode: op}, []byte(p))
}

// talk sends the bytes and reads until done has what it wants: messages by opcode
// and payload, control frames among them.
func talk(t *testing.T, s *child, path string, wire []byte, done func(op protocol.Opcode, p string) bool) {
	t.Helper()
	fields := ""
	if path == "/deflate" {
		fields = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"
	}
	fd, _, err := openHandshake(s.addr, path, fields)
	if err != nil {
		t.Fatal(err)
	}
	defer reset(fd)
	if _, err := unix.Write(fd, wire); err != nil {
		t.Fatal(err)
	}
	var b, message []byte
	var op protocol.Opcode
	piece := make([]byte, 4096)
	for {
		h, n := protocol.ParseHeader(b)
		if n == 0 || len(b) < n+int(h.PayloadLength) {
			m, err := unix.Read(fd, piece)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if m <= 0 {
				t.Fatalf("%s ended before the answer: %v", path, err)
			}
			b = append(b, piece[:m]...)
			continue
		}
		p := b[n : n+int(h.PayloadLength)]
		b = b[n+len(p):]
		if h.RSV&protocol.RSV1 != 0 {
			if p, err = inflated(p, nil); err != nil {
				t.Fatal(err)
			}
		}
		switch {
		case h.Opcode.Control():
			if done(h.Opcode, string(p)) {
				return
			}
			continue
		case h.Opcode != protocol.OpContinuation:
			op, message = h.Opcode, nil
		}
		if message = append(message, p...); h.Fin && done(op, string(message)) {
			return
		}
	}
}

func TestEveryServerKeepsTheRules(t *testing.T) {
	for _, name := range serverNames {
		if name == "raw" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := start(name)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.close)
			paths := []string{"/echo", "/idle", "/deflate"}
			if takesOver[name] {
				paths = append(paths, "/takeover")
			}
			for _, path := range paths {
				mustAnswer(t, s, path)
				mustRefuse(t, s, path, frame(protocol.OpText, 0, []byte("ok\xff")))
				mustRefuse(t, s, path, slices.Concat(fragment(protocol.OpText, false, "\xe4\xb8"), fragment(protocol.OpContinuation, true, "!")))
			}
			mustRefuse(t, s, "/deflate", frame(protocol.OpText, protocol.RSV1, deflated([]byte("ok\xff"))))
		})
	}
}

func mustAnswer(t *testing.T, s *child, path string) {
	t.Helper()
	wire := slices.Concat(
		fragment(protocol.OpText, true, "hello"), fragment(protocol.OpBinary, true, "\xff\x00"),
		fragment(protocol.OpText, false, "一\xe4"), fragment(protocol.OpPing, true, "are you there"), fragment(protocol.OpContinuation, false, ""),
		fragment(protocol.OpContinuation, true, "\xba\x8c"))
	type said struct {
		op protocol.Opcode
		p  string
	}
	want := []said{{protocol.OpText, "hello"}, {protocol.OpBinary, "\xff\x00"}, {protocol.OpText, "一二"}}
	var got []said
	ponged := false
	talk(t, s, path, wire, func(op protocol.Opcode, p string) bool {
		if op == protocol.OpPong && p == "are you there" {
			ponged = true
		} else {
			got = append(got, said{op, p})
		}
		return ponged && len(got) >= len(want)
	})
	if !slices.Equal(got, want) {
		t.Errorf("%s %s answers %v", s.name, path, got)
	}
}

func mustRefuse(t *testing.T, s *child, path string, wire []byte) {
	t.Helper()
	talk(t, s, path, wire, func(op protocol.Opcode, p string) bool {
		if op != protocol.OpClose || len(p) < 2 || p[:2] != "\x03\xef" {
			t.Errorf("%s %s answers % x with %v % x, not with 1007", s.name, path, wire, op, p)
		}
		return true
	})
}

// TestServerEndsWithItsInput: no process is left behind.
func TestServerEndsWithItsInput(t *testing.T) {
	s, err := start("raw")
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	s.close()
	if !s.cmd.ProcessState.Exited() || !s.cmd.ProcessState.Success() || time.Since(begun) > 5*time.Second {
		t.Errorf("the server ended as %v", s.cmd.ProcessState)
	}
}
