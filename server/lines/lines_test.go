// A chat with all transports, for the tests: its people send lines and expect lines.

package lines_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"framescope/server/chat"
	"framescope/server/lines"
	"framescope/server/websocket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait; nothing is expected to take so long.
const patience = 20 * time.Second

// site is a chat that is served over WebSocket, TCP and UDP.
type site struct {
	*httptest.Server
	chat     *chat.Handler
	tcp, udp string // addresses
	stop     func() // ends TCP and UDP as a shutdown does, and waits
	log      *record
}

// record is a log.
type record struct {
	mu sync.Mutex
	b  strings.Builder
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.String()
}

func serve(t testing.TB, change func(*lines.Options)) *site {
	t.Helper()
	s := &site{log: new(record)}
	log := slog.New(slog.NewTextHandler(s.log, nil))
	s.chat = chat.New(&websocket.Server{}, log, chat.Options{})
	s.Server = httptest.NewServer(s.chat)
	o := lines.Options{Chat: s.chat, Log: log}
	if change != nil {
		change(&o)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	s.tcp, s.udp = l.Addr().String(), conn.LocalAddr().String()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, serve := range []func() error{
		func() error { return lines.ServeTCP(ctx, l, o) },
		func() error { return lines.ServeUDP(ctx, conn, o) },
	} {
		running.Go(func() {
			if err := serve(); err != nil {
				t.Error(err)
			}
		})
	}
	s.stop = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(func() {
		s.stop()
		s.Close()
	})
	return s
}

// person is somebody in the chat.
type person interface {
	say(line string)
	// hear returns the next line, without its end, or what ended the connection.
	hear() (string, error)
}

// expect waits for lines, and fails on another.
func expect(t testing.TB, p person, want ...string) {
	t.Helper()
	for _, want := range want {
		if got, err := p.hear(); err != nil || got != want {
			t.Fatalf("heard %q, %v; want %q", got, err, want)
		}
	}
}

// await waits for a line, and ignores others.
func await(t testing.TB, p person, want string) {
	t.Helper()
	for {
		got, err := p.hear()
		if err != nil {
			t.Fatalf("%v; want %q", err, want)
		}
		if got == want {
			return
		}
	}
}

// webPerson is in the room over a WebSocket, in plain lines.
type webPerson struct {
	t testing.TB
	c *gorilla.Conn
}

func (s *site) web(t testing.TB, name string) *webPerson {
	t.Helper()
	q := url.Values{"name": {name}}
	c, _, err := gorilla.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.URL, "http")+"/?"+q.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetReadDeadline(time.Now().Add(patience))
	return &webPerson{t, c}
}

func (p *webPerson) say(line string) {
	p.t.Helper()
	if err := p.c.WriteMessage(gorilla.TextMessage, []byte(line)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *webPerson) hear() (string, error) {
	_, line, err := p.c.ReadMessage()
	return string(line), err
}

// tcpPerson is in the room over TCP.
type tcpPerson struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

const question = "* this is the chat room lobby: what is your name?"

func (s *site) dialTCP(t testing.TB) *tcpPerson {
	t.Helper()
	c, err := net.Dial("tcp", s.tcp)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return &tcpPerson{t, c, bufio.NewReader(c)}
}

// joinTCP joins, and returns once the welcome has come.
func (s *site) joinTCP(t testing.TB, name string) *tcpPerson {
	t.Helper()
	p := s.dialTCP(t)
	p.say(name)
	expect(t, p, question)
	if line, err := p.hear(); err != nil || !strings.HasPrefix(line, "* welcome to lobby, "+name) {
		t.Fatalf("heard %q, %v; want a welcome", line, err)
	}
	return p
}

func (p *tcpPerson) say(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.Conn, line+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

func (p *tcpPerson) hear() (string, error) {
	line, err := p.r.ReadString('\n')
	return strings.TrimSuffix(line, "\n"), err
}

// udpPerson is in the room over UDP.
type udpPerson struct {
	t testing.TB
	net.Conn
}

func (s *site) dialUDP(t testing.TB) *udpPerson {
	t.Helper()
	c, err := net.Dial("udp", s.udp)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return &udpPerson{t, c}
}

func (s *site) joinUDP(t testing.TB, name string) *udpPerson {
	t.Helper()
	p := s.dialUDP(t)
	p.say("JOIN " + name)
	if line, err := p.hear(); err != nil || !strings.HasPrefix(line, "* welcome to lobby, "+name) {
		t.Fatalf("heard %q, %v; want a welcome", line, err)
	}
	return p
}

func (p *udpPerson) say(datagram string) {
	p.t.Helper()
	if _, err := io.WriteString(p.Conn, datagram); err != nil {
		p.t.Fatal(err)
	}
}

// hear returns a datagram, which must be one line.
func (p *udpPerson) hear() (string, error) {
	b := make([]byte, 65536)
	n, err := p.Read(b)
	line := string(b[:n])
	if err == nil && (n > 1200 || strings.Count(line, "\n") != 1 || line[n-1] != '\n') {
		err = fmt.Errorf("a datagram of %d bytes that is not one line: %q", n, line)
	}
	return strings.TrimSuffix(line, "\n"), err
}

// TestAllTransports: messages, private ones, joins and leaves cross between all of them.
func TestAllTransports(t *testing.T) {
	s := serve(t, nil)
	web := s.web(t, "wendy")
	if line, err := web.hear(); err != nil || !strings.HasPrefix(line, "* welcome to lobby, wendy") {
		t.Fatal(line, err)
	}
	tcp := s.joinTCP(t, "tom")
	udp := s.joinUDP(t, "uma")
	expect(t, web, "* tom joined (2 here)", "* uma joined (3 here)")
	expect(t, tcp, "* uma joined (3 here)")
	everyone := []person{web, tcp, udp}
	for _, p := range []struct {
		person
		name string
	}{{web, "wendy"}, {tcp, "tom"}, {udp, "uma"}} {
		p.say("grüße <b>von</b> " + p.name)
		for _, q := range everyone {
			expect(t, q, p.name+": grüße <b>von</b> "+p.name)
		}
	}
	udp.say("/msg tom psst")
	for _, q := range []person{udp, tcp} {
		if line, err := q.hear(); err != nil || !strings.Contains(line, "private") || !strings.HasSuffix(line, ": psst") {
			t.Errorf("%q, %v", line, err)
		}
	}
	if n := s.chat.Operator("", "closing soon"); n != 3 {
		t.Errorf("the operator reached %d", n)
	}
	for _, q := range everyone {
		if line, err := q.hear(); err != nil || !strings.Contains(line, "closing soon") {
			t.Errorf("%q, %v", line, err)
		}
	}
	udp.say("qUIt\r\n")
	expect(t, udp, "* goodbye")
	tcp.say("/quit")
	expect(t, tcp, "* uma left: quit (2 here)", "* goodbye")
	if _, err := tcp.hear(); err != io.EOF {
		t.Error(err)
	}
	expect(t, web, "* uma left: quit (2 here)", "* tom left: quit (1 here)")
}

// TestShutdown: everyone over TCP and UDP gets a goodbye, and those over WebSocket learn why
// they left.
func TestShutdown(t *testing.T) {
	s := serve(t, nil)
	web := s.web(t, "wendy")
	tcp, udp, nameless := s.joinTCP(t, "tom"), s.joinUDP(t, "uma"), s.dialTCP(t)
	expect(t, nameless, question)
	expect(t, tcp, "* uma joined (3 here)")
	s.stop()
	for _, p := range []person{tcp, udp, nameless} {
		await(t, p, "* goodbye: the server is shutting down")
	}
	gone := map[string]bool{}
	for !gone["tom"] || !gone["uma"] {
		line, err := web.hear()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"tom", "uma"} {
			gone[name] = gone[name] || strings.Contains(line, " left") && strings.Contains(line, name)
		}
	}
}

func TestLog(t *testing.T) {
	s := serve(t, nil)
	members := map[string]person{"ann": s.dialTCP(t), "bob": s.dialUDP(t)}
	for name, p := range members {
		p.say("JOIN " + name)
		p.say("QUIT")
		await(t, p, "* goodbye")
	}
	s.stop()
	for name := range members {
		if log := s.log.String(); !strings.Contains(log, "room=lobby name="+name+" why=quit") {
			t.Errorf("the log of two members that quit lacks %s: %s", name, log)
		}
	}
}
