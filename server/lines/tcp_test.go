// Tests of TCP: names, bad lines, limits, and peers that do not read or vanish.

package lines_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"framescope/server/lines"
)

func TestTCPNames(t *testing.T) {
	s := serve(t, nil)
	for _, test := range []struct{ line, name string }{
		{"ann", "ann"}, {"NAME bob", "bob"}, {"join Cid Dan", "Cid Dan"}, {"  eve \r", "eve"}, {"", "guest-1"}, {"NAME", "guest-2"},
		{"ann", "ann-2"}, {"<b>x</b>", "<b>x</b>"}, {"namely", "namely"},
	} {
		p := s.dialTCP(t)
		p.say(test.line)
		expect(t, p, question)
		if line, err := p.hear(); err != nil || !strings.HasPrefix(line, "* welcome to lobby, "+test.name+":") {
			t.Errorf("%q: heard %q, %v; want a welcome of %q", test.line, line, err, test.name)
		}
	}
	p := s.dialTCP(t)
	expect(t, p, question)
	for _, bad := range []string{"/help", "a\x1b[2Jb", "* ann", strings.Repeat("x", 65), strings.Repeat("x", 4096), "\u202eann", "\xff"} {
		p.say(bad)
		if line, err := p.hear(); err != nil || !strings.HasPrefix(line, "* ") || strings.Contains(line, "welcome") || len(line) > 300 || strings.Contains(line, "\x1b") {
			t.Errorf("%.20q: heard %q, %v; want why it is no name", bad, line, err)
		}
	}
	p.say("qUiT")
	expect(t, p, "* goodbye")
	stubborn := s.dialTCP(t)
	for range 20 {
		if _, err := io.WriteString(stubborn, "/\n"); err != nil {
			break // it was closed already
		}
	}
	await(t, stubborn, "* goodbye: there was no name in ten lines")
}

// TestTCPFirstLine: an HTTP request, which any page can have a browser send, says nothing in the
// chat, and neither does a first line that is too long to be checked.
func TestTCPFirstLine(t *testing.T) {
	s := serve(t, nil)
	ann := s.joinTCP(t, "ann")
	long := strings.Repeat("x", 5000)
	for head, want := range map[string]string{
		"POST / HTTP/1.1\r\n":             "* goodbye: this is no HTTP server, but a chat in plain lines",
		"\tget /" + " HTTP/1.0\n":         "* goodbye: this is no HTTP server, but a chat in plain lines",
		"POST /" + long + " HTTP/1.1\r\n": "* goodbye: a line has at most 4096 bytes",
	} {
		p := s.dialTCP(t)
		p.say(head + "Host: 127.0.0.1\r\nContent-Type: text/plain\r\n\r\neve\r\nforged\r\n")
		expect(t, p, question, want)
	}
	ann.say("nobody else spoke")
	expect(t, ann, "ann: nobody else spoke")
}

func TestTCPToken(t *testing.T) {
	s := serve(t, func(o *lines.Options) { o.Token = "s3cret" })
	asked := "* this chat asks for a token: which one?"
	wrong := s.dialTCP(t)
	wrong.say("ann")
	expect(t, wrong, asked, "* goodbye: that is not the token")
	p := s.dialTCP(t)
	p.say("s3cret\r\nann")
	expect(t, p, asked, question)
	if line, err := p.hear(); err != nil || !strings.HasPrefix(line, "* welcome to lobby, ann") {
		t.Errorf("%q, %v", line, err)
	}
	if log := s.log.String(); strings.Contains(log, "s3cret") {
		t.Errorf("the token is in the log: %s", log)
	}
}

func TestTCPLines(t *testing.T) {
	s := serve(t, nil)
	p := s.joinTCP(t, "ann")
	p.say("crlf\r\n\r\n\nlf\n" + strings.Repeat("x", 4096) + "\r\n" + strings.Repeat("y", 4097) + "\n" + strings.Repeat("z", 100<<10) + "\nhi")
	expect(t, p, "ann: crlf", "ann: lf", "ann: "+strings.Repeat("x", 4096),
		"* a line has at most 4096 bytes: that one was not said", "* a line has at most 4096 bytes: that one was not said", "ann: hi")
	p.say("a\x1b[2Jb")
	if line, err := p.hear(); err != nil || !strings.Contains(line, "U+001B") {
		t.Errorf("%q, %v", line, err)
	}
	p.say("\xff\xfe")
	if line, err := p.hear(); err != nil || !strings.Contains(line, "UTF-8") {
		t.Errorf("%q, %v", line, err)
	}
	if _, err := io.WriteString(p, "the last has no end"); err != nil {
		t.Fatal(err)
	}
	if err := p.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	expect(t, p, "ann: the last has no end")
	if line, err := p.hear(); err != io.EOF {
		t.Errorf("after the end of its input: %q, %v", line, err)
	}
}

// TestTCPEndless: a line without an end is not kept, and ends its connection; others go on.
func TestTCPEndless(t *testing.T) {
	s := serve(t, nil)
	ann := s.joinTCP(t, "ann")
	endless := s.joinTCP(t, "endless")
	go func() {
		chunk := make([]byte, 64<<10)
		for {
			if _, err := endless.Write(chunk); err != nil {
				return
			}
		}
	}()
	expect(t, ann, "* endless joined (2 here)", "* endless left: a line had no end (1 here)")
	ann.say("still here")
	expect(t, ann, "ann: still here")
}

func TestTCPTimeouts(t *testing.T) {
	s := serve(t, func(o *lines.Options) { o.NameTimeout = 50 * time.Millisecond })
	nameless := s.dialTCP(t)
	expect(t, nameless, question, "* goodbye: timed out")
	if _, err := nameless.hear(); err != io.EOF {
		t.Error(err)
	}
	s = serve(t, func(o *lines.Options) { o.IdleTimeout = 500 * time.Millisecond })
	idle := s.joinTCP(t, "idle")
	await(t, idle, "* goodbye: timed out")
}

// TestTCPFull: beyond the limit peers are told so, and a place that becomes free is given away.
func TestTCPFull(t *testing.T) {
	s := serve(t, func(o *lines.Options) { o.MaxMembers = 2 })
	ann := s.joinTCP(t, "ann")
	s.joinTCP(t, "bob")
	late := s.dialTCP(t)
	expect(t, late, "* the chat is full: try again later")
	if _, err := late.hear(); err == nil {
		t.Error("the connection goes on")
	}
	ann.say("quit")
	await(t, ann, "* goodbye")
	ann.Close()
	for {
		p := s.dialTCP(t)
		line, err := p.hear()
		if err != nil {
			t.Fatal(err)
		}
		if line == question {
			return
		}
	}
}

// TestTCPGone: who vanishes or does not read is dropped; the others hear everything.
func TestTCPGone(t *testing.T) {
	s := serve(t, nil)
	ann := s.joinTCP(t, "ann")
	stalled := s.joinTCP(t, "stalled")
	if err := stalled.Conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	vanished := s.joinTCP(t, "vanished")
	expect(t, ann, "* stalled joined (2 here)", "* vanished joined (3 here)")
	if err := vanished.Conn.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	vanished.Close()
	expect(t, ann, "* vanished left: connection lost (2 here)")
	// Of the four megabytes that the sockets buffer, and one more, until it is too far behind.
	text := strings.Repeat("x", 4000)
	for n := 0; ; n++ {
		ann.say(text)
		line, err := ann.hear()
		if err != nil || n > 10000 {
			t.Fatal(n, err)
		}
		if line == "* stalled left: too slow (1 here)" {
			break
		}
		if line != "ann: "+text {
			t.Fatalf("heard %.80q", line)
		}
	}
}

// TestTCPFlood: a peer that says much and reads nothing ends, and the server with it.
func TestTCPFlood(t *testing.T) {
	s := serve(t, nil)
	flood := s.joinTCP(t, "flood")
	flood.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
	for {
		if _, err := io.WriteString(flood, strings.Repeat("y\n", 1000)); err != nil {
			if netErr := net.Error(nil); !errors.As(err, &netErr) {
				t.Error(err)
			}
			break
		}
	}
	begun := time.Now()
	s.stop()
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("the shutdown took %v", took)
	}
}
