// Tests of codes: that an address which has not shown that it receives is sent nothing longer
// than what came from there, and no member's words.

package lines

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"framescope/server/chat"
	"framescope/server/websocket"
)

func TestCodes(t *testing.T) {
	now := time.Now().Truncate(codeTime)
	c := newCodes()
	c.now = func() time.Time { return now }
	a, b := netip.MustParseAddrPort("192.0.2.1:1000"), netip.MustParseAddrPort("192.0.2.1:1001")
	code := c.of(a)
	if len(code) != codeLength || !c.check(a, code) || !c.check(a, strings.ToLower(code)) {
		t.Errorf("%q is refused", code)
	}
	for _, wrong := range []string{"", code[1:], code + "A", c.of(b), newCodes().of(a)} {
		if c.check(a, wrong) {
			t.Errorf("%q is accepted", wrong)
		}
	}
	if now = now.Add(2*codeTime - 1); !c.check(a, code) {
		t.Error("the code is refused too soon")
	}
	if now = now.Add(1); c.check(a, code) {
		t.Error("the code is accepted too late")
	}
}

// serveStrangers serves UDP to addresses of which none is trusted.
func serveStrangers(t *testing.T) (address string, room *chat.Handler) {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	room = chat.New(&websocket.Server{}, slog.New(slog.DiscardHandler), chat.Options{})
	s := newUDPServer(conn, Options{Chat: room, Log: slog.New(slog.DiscardHandler)})
	s.trusted = func(netip.Addr) bool { return false }
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return conn.LocalAddr().String(), room
}

// ask sends a datagram and returns the answer.
func ask(t *testing.T, c net.Conn, datagram string) string {
	t.Helper()
	if _, err := c.Write([]byte(datagram)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 65536)
	n, err := c.Read(b)
	if err != nil {
		t.Fatalf("%q: %v", datagram, err)
	}
	return string(b[:n])
}

func TestStrangers(t *testing.T) {
	address, room := serveStrangers(t)
	c, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	for _, datagram := range []string{
		"hi", "hi\n", "hello\n", "HEARTBEAT\n", "K7QP2MXW\n", "JOIN a\n", "JOIN ann\n", "JOIN ann AAAAAAAA\n", "JOIN " + strings.Repeat("x", 2000),
		"JOIN ann" + strings.Repeat(" ", 100), "JOIN \x1b[2J" + strings.Repeat(" ", 100), strings.Repeat("x", 8192),
	} {
		answer := ask(t, c, datagram)
		if len(answer) > len(datagram) || strings.ContainsAny(answer, "\x1b") {
			t.Errorf("%.20q of %d bytes was answered with %d: %q", datagram, len(datagram), len(answer), answer)
		}
	}
	if n := room.Operator("", "nobody may be here"); n != 0 {
		t.Errorf("%d strangers joined", n)
	}
	code := ask(t, c, "JOIN ann\n")
	if code = strings.TrimSpace(code); len(code) != codeLength {
		t.Fatalf("the code is %q", code)
	}
	if answer := ask(t, c, "JOIN ann"+strings.Repeat(" ", 100)); answer != "* to show that you receive this, send: JOIN ann "+code+"\n" {
		t.Errorf("answered %q", answer)
	}
	other, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other.SetDeadline(time.Now().Add(20 * time.Second))
	if answer := ask(t, other, "JOIN ann "+code); strings.Contains(answer, "welcome") {
		t.Errorf("another address joined with the code: %q", answer)
	}
	if answer := ask(t, c, "JOIN ann b "+strings.ToLower(code)+"\n"); !strings.HasPrefix(answer, "* welcome to lobby, ann b:") {
		t.Errorf("answered %q", answer)
	}
}

// FuzzDatagram: whatever comes, an answer to a stranger is no longer, and has no control
// characters; and two servers that take each other for strangers do not go on answering.
func FuzzDatagram(f *testing.F) {
	for _, seed := range []string{"", "hi", "JOIN", "JOIN ann", "join ann AAAAAAAA\r\n", "HEARTBEAT", "QUIT", "JOIN \x00\x1b", "\n\n", "K7QP2MXW\n", "JOIN " + strings.Repeat("x", 100)} {
		f.Add(seed)
	}
	c, from := newCodes(), netip.MustParseAddrPort("192.0.2.1:1000")
	s := &udpServer{codes: c}
	answerTo := func(t *testing.T, text string) string {
		d := parseDatagram(text)
		name, proven := s.withoutCode(from, d.join, d.name)
		if proven {
			t.Fatalf("%q has the right code", text)
		}
		answers := c.answers(from, name)
		if !d.join {
			answers = notHere
		}
		return choose(text, answers)
	}
	f.Fuzz(func(t *testing.T, text string) {
		answer := answerTo(t, text)
		if len(answer) > len(text) || strings.ContainsAny(strings.TrimSuffix(answer, "\n"), "\n\x1b\x00\r") {
			t.Errorf("%q was answered with %q", text, answer)
		}
		if second := answerTo(t, answer); answerTo(t, second) != "" {
			t.Errorf("%q was answered with %q, that with %q, and that again", text, answer, second)
		}
	})
}
