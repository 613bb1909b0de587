// Tests of UDP: joining, heartbeats, long lines and bad datagrams.

package lines_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"framescope/server/lines"
)

func TestUDPGuest(t *testing.T) {
	s := serve(t, nil)
	ann := s.joinTCP(t, "ann")
	p := s.dialUDP(t)
	p.say("hello from udp\n")
	if line, err := p.hear(); err != nil || !strings.HasPrefix(line, "* welcome to lobby, guest-1") {
		t.Fatalf("%q, %v", line, err)
	}
	expect(t, p, "guest-1: hello from udp")
	expect(t, ann, "* guest-1 joined (2 here)", "guest-1: hello from udp")
	p.say("JOIN ann\n") // again, or too late
	expect(t, p, "* you are guest-1 in lobby")
	p.say("two\nlines\r\n")
	expect(t, p, "guest-1: two", "guest-1: lines")
	p.say("/help")
	if line, err := p.hear(); err != nil || !strings.Contains(line, "/msg") {
		t.Errorf("%q, %v", line, err)
	}
}

func TestUDPBadDatagrams(t *testing.T) {
	s := serve(t, nil)
	p := s.joinUDP(t, "ann")
	for _, bad := range []string{strings.Repeat("x", 4097), strings.Repeat("x", 60000), "a\x1b[2Jb", "\xff", "/nonsense", strings.Repeat("\n", 5000)} {
		p.say(bad)
		if strings.Trim(bad, "\n") == "" {
			continue // nothing is in it
		}
		if line, err := p.hear(); err != nil || !strings.HasPrefix(line, "* ") || strings.Contains(line, "\x1b") {
			t.Errorf("%.20q: %q, %v", bad, line, err)
		}
	}
	p.say("still here")
	expect(t, p, "ann: still here")
	bad := s.dialUDP(t)
	bad.say("JOIN \u202eann")
	if line, err := bad.hear(); err != nil || !strings.Contains(line, "U+202E") {
		t.Errorf("%q, %v", line, err)
	}
	bad.say("JOIN bob") // the address is free again
	for {
		line, err := bad.hear()
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(line, "* welcome to lobby, bob") {
			break
		}
	}
}

// TestUDPLongLine: a line that no datagram carries whole comes in several.
func TestUDPLongLine(t *testing.T) {
	s := serve(t, nil)
	ann, p := s.joinTCP(t, "ann"), s.joinUDP(t, "uma")
	said := strings.Repeat("ü", 2000)
	ann.say(said)
	var heard strings.Builder
	for b := make([]byte, 65536); !strings.HasSuffix(heard.String(), "\n"); {
		n, err := p.Read(b)
		if err != nil || n > 1200 {
			t.Fatal(n, err)
		}
		if !strings.HasPrefix(strings.ToValidUTF8(string(b[:n]), "?"), string(b[:n])) {
			t.Errorf("a datagram ends within a character: %q", b[:n])
		}
		heard.Write(b[:n])
	}
	if heard.String() != "ann: "+said+"\n" {
		t.Errorf("heard %q", heard.String())
	}
}

// TestUDPHeartbeat: a silent member is dropped and announced, one with a heartbeat is not.
func TestUDPHeartbeat(t *testing.T) {
	s := serve(t, func(o *lines.Options) { o.HeartbeatTimeout = time.Second })
	ann := s.joinTCP(t, "ann")
	alive, silent := s.joinUDP(t, "alive"), s.joinUDP(t, "silent")
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		beat := time.NewTicker(20 * time.Millisecond)
		defer beat.Stop()
		for {
			select {
			case <-beat.C:
				alive.say("heartbeat\n")
			case <-stop:
				return
			}
		}
	}()
	expect(t, ann, "* alive joined (2 here)", "* silent joined (3 here)", "* silent left: timed out (2 here)")
	await(t, silent, "* goodbye: timed out")
	silent.say("HEARTBEAT")
	expect(t, silent, "* JOIN?")
	close(stop)
	<-stopped
	expect(t, ann, "* alive left: timed out (1 here)")
}

func TestUDPFull(t *testing.T) {
	s := serve(t, func(o *lines.Options) { o.MaxMembers = 1 })
	ann, late := s.joinUDP(t, "ann"), s.dialUDP(t)
	late.say("JOIN somebody whose name is long enough")
	expect(t, late, "* the chat is full: try again later")
	late.say("hi there")
	expect(t, late, "* full")
	ann.say("QUIT")
	await(t, ann, "* goodbye")
	for { // until its place is free
		late.say("JOIN late")
		line, err := late.hear()
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(line, "* welcome to lobby, late") {
			return
		}
	}
}

func TestUDPToken(t *testing.T) {
	s := serve(t, func(o *lines.Options) { o.Token = "s3cret" })
	p := s.dialUDP(t)
	for wrong, answer := range map[string]string{
		"hi there": "?", "JOIN ann": "?", "JOIN s3cre": "* token?", "JOIN ann s3crets": "* token?",
		"JOIN somebody with a long name and no token in the end": "* this chat asks for a token: send JOIN NAME TOKEN",
	} {
		p.say(wrong)
		expect(t, p, answer)
	}
	p.say("JOIN ann  b s3cret")
	if line, err := p.hear(); err != nil || !strings.HasPrefix(line, "* welcome to lobby, ann  b:") {
		t.Errorf("%q, %v", line, err)
	}
}

// TestUDPNoText: datagrams that are no text, such as those that a browser sends to look for a way
// through the network (STUN), join nobody.
func TestUDPNoText(t *testing.T) {
	s := serve(t, nil)
	p := s.dialUDP(t)
	for _, datagram := range []string{"\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl", "\xc3\x00\x00\x00\x01", "\n", " "} {
		p.say(datagram)
	}
	p.say("HEARTBEAT")
	expect(t, p, "* JOIN?")
	if n := s.chat.Operator("", "x"); n != 0 {
		t.Errorf("%d joined", n)
	}
}

// TestUDPBurst: datagrams that come at once are all said, in their order.
func TestUDPBurst(t *testing.T) {
	s := serve(t, nil)
	ann, p := s.joinTCP(t, "ann"), s.joinUDP(t, "uma")
	for i := range 50 {
		p.say(fmt.Sprint("line ", i))
	}
	expect(t, ann, "* uma joined (2 here)")
	for i := range 50 {
		expect(t, ann, fmt.Sprint("uma: line ", i))
	}
}
