// A crowd: thousands of members in a process of their own, which count and check what they
// are sent. Commands on standard input drive it.

package chat_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"framescope/protocol"
	"framescope/server/chat"
)

// asCrowd names the environment variable that makes this test binary a crowd. Its value is
// the chat's address, the room and the length of the names.
const asCrowd = "FRAMESCOPE_TEST_AS_CROWD"

// crowd is the members of one room.
type crowd struct {
	addr, room string
	nameLength int
	mu         sync.Mutex
	members    []*crowdMember
	stalled    []net.Conn
	faults     []string
	faulty     chan struct{} // closed at the first fault
	said       int
	talked     int
	others     int
}

// reply is the crowd's answer to a command.
type reply struct {
	Seconds []float64 // how long each part of the command took
	Faults  []string
}

// runCrowd executes commands until the input ends:
//
//	join N    N members join; done when all of them know of all others
//	stall N   N more join and never read
//	say N S   the first member says N lines of S bytes, each when all have got the one before
//	flood N S the first member says N lines of S bytes; done when all have got them
//	talk N R  N members say R lines each, a hundred a second together; done when all have
//	          got each of them once and in its sender's order
//	churn N   N members leave and join again
//	storm N S N members join, say S lines and leave in different ways, ten times
//	others N  N members of another crowd are in the room, too; done when all know of them
//	forget    done when all know that the stalled members have left
func runCrowd(where string, in io.Reader, out io.Writer) {
	c := &crowd{faulty: make(chan struct{})}
	_, _ = fmt.Sscan(where, &c.addr, &c.room, &c.nameLength)
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var what string
		var n, size int
		_, _ = fmt.Sscan(lines.Text(), &what, &n, &size)
		var r reply
		switch what {
		case "join":
			r.Seconds = c.timed(func() { c.join(n) })
		case "stall":
			c.stall(n)
		case "say":
			for range n {
				r.Seconds = append(r.Seconds, c.timed(func() { c.say(1, size) })...)
			}
		case "flood":
			r.Seconds = c.timed(func() { c.say(n, size) })
		case "talk":
			r.Seconds = c.timed(func() { c.talk(n, size) })
		case "churn":
			r.Seconds = c.timed(func() { c.churn(n) })
		case "storm":
			c.storm(n, size)
		case "others":
			c.others = n
			c.waitForAll()
		case "forget":
			c.stalled = nil
			c.waitForAll()
		default:
			c.fault("no such command: " + lines.Text())
		}
		c.mu.Lock()
		r.Faults = c.faults
		c.mu.Unlock()
		if err := json.NewEncoder(out).Encode(r); err != nil {
			return
		}
	}
}

func (c *crowd) timed(do func()) []float64 {
	begun := time.Now()
	do()
	return []float64{time.Since(begun).Seconds()}
}

func (c *crowd) fault(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.faults) == 0 {
		close(c.faulty)
	}
	if len(c.faults) < 10 {
		c.faults = append(c.faults, text)
	}
}

// each runs do with the numbers below n, many at a time.
func each(n int, do func(int)) {
	var all sync.WaitGroup
	var next atomic.Int64
	for range min(n, 100) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	all.Wait()
}

// connect opens a connection to the chat.
func (c *crowd) connect(name string) (net.Conn, *bufio.Reader) {
	nc, err := net.Dial("tcp", c.addr)
	if err != nil {
		c.fault(err.Error())
		return nil, nil
	}
	fmt.Fprintf(nc, "GET /ws/chat?room=%s&name=%s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: %s\r\n\r\n", c.room, name, c.addr, chat.Subprotocol)
	r := bufio.NewReader(nc)
	response, err := http.ReadResponse(r, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		c.fault(fmt.Sprint("handshake: ", response, err))
		return nil, nil
	}
	return nc, r
}

func (c *crowd) join(n int) {
	from := len(c.members)
	c.members = append(c.members, make([]*crowdMember, n)...)
	each(n, func(i int) { c.members[from+i] = c.joinOne(c.name(from+i), (from+i)%101 == 0) })
	c.waitForAll()
}

func (c *crowd) name(n int) string {
	name := fmt.Sprintf("member-%05d", n)
	return name + strings.Repeat("x", max(c.nameLength-len(name), 0))
}

func (c *crowd) joinOne(name string, trackNames bool) *crowdMember {
	m := &crowdMember{crowd: c, name: name, said: c.said, ended: make(chan struct{})}
	if trackNames {
		m.names = map[string]bool{}
	}
	var r *bufio.Reader
	if m.nc, r = c.connect(name); m.nc == nil {
		close(m.ended)
		return m
	}
	go m.listen(r)
	return m
}

func (c *crowd) stall(n int) {
	conns := make([]net.Conn, n)
	each(n, func(i int) {
		if conns[i], _ = c.connect(fmt.Sprintf("stalled-%05d", i)); conns[i] != nil {
			_ = conns[i].(*net.TCPConn).SetReadBuffer(4 << 10) // so that less data stalls it
		}
	})
	c.stalled = append(c.stalled, conns...)
	c.waitForAll()
}

// waitForAll waits until all members know of all others and have got every line.
func (c *crowd) waitForAll() {
	c.waitFor(&goal{known: len(c.members) + len(c.stalled) + c.others, said: c.said})
	for _, m := range c.members {
		m.mu.Lock()
		if m.names != nil && len(m.names) != m.known {
			c.fault(fmt.Sprintf("%s knows %d names of %d", m.name, len(m.names), m.known))
		}
		m.mu.Unlock()
	}
}

// waitFor waits until all members have reached a goal, or one has found a fault.
func (c *crowd) waitFor(g *goal) {
	if len(c.members) == 0 {
		return
	}
	g.reached = make(chan struct{})
	g.left.Store(int64(len(c.members)))
	for _, m := range c.members {
		m.mu.Lock()
		m.goal = g
		m.check()
		m.mu.Unlock()
	}
	select {
	case <-g.reached:
	case <-c.faulty:
	}
}

func (c *crowd) say(n, size int) {
	for range n {
		text := fmt.Sprintf("%08d%s", c.said, strings.Repeat("x", max(size-8, 0)))
		c.said++
		if err := c.members[0].say(text); err != nil {
			c.fault(err.Error())
		}
	}
	c.waitFor(&goal{known: anyNumber, said: c.said})
}

// talk has the first n members say lines, which are numbered for each sender.
func (c *crowd) talk(n, lines int) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for i := range n * lines {
		<-tick.C
		m := c.members[i%n]
		if err := m.say(fmt.Sprintf("talk %03d %05d %s", i%n, i/n, strings.Repeat("x", 110))); err != nil {
			c.fault(err.Error())
		}
	}
	c.talked += n * lines
	c.waitFor(&goal{known: anyNumber, said: c.said, talked: c.talked})
}

// hearTalk checks a line of talk.
func (m *crowdMember) hearTalk(text []byte) error {
	var sender, number int
	if _, err := fmt.Sscanf(string(text), "talk %d %d", &sender, &number); err != nil {
		return err
	}
	if m.heard == nil {
		m.heard = map[int]int{}
	}
	if number != m.heard[sender] {
		return fmt.Errorf("line %d of member %d, want %d", number, sender, m.heard[sender])
	}
	m.heard[sender]++
	m.talked++
	return nil
}

func (m *crowdMember) say(text string) error {
	text = fmt.Sprintf(`{"type":"message","text":%q}`, text)
	frame := protocol.AppendHeader(nil, protocol.Header{Fin: true, Opcode: protocol.OpText, Masked: true, PayloadLength: uint64(len(text))})
	_, err := m.nc.Write(append(frame, text...))
	return err
}

// close sends a close frame.
func (m *crowdMember) close() {
	m.leaving.Store(true)
	_, _ = m.nc.Write([]byte{0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8})
}

// storm has members with few different names join and leave, half of them without a close
// frame. What they are sent is checked as usual.
func (c *crowd) storm(n, lines int) {
	each(10*n, func(i int) {
		m := c.joinOne(fmt.Sprint("storm-", i%10), true)
		for range lines {
			_ = m.say("storm " + strings.Repeat("x", 1000))
		}
		if m.close(); i%2 == 0 {
			m.nc.Close()
		}
		<-m.ended
	})
	c.waitForAll()
}

// churn has the last n members leave, and join again while others still leave.
func (c *crowd) churn(n int) {
	first := len(c.members) - n
	each(n, func(i int) {
		m := c.members[first+i]
		m.close()
		<-m.ended
		c.members[first+i] = c.joinOne(m.name, m.names != nil)
	})
	c.waitForAll()
}

const anyNumber = -1

// goal is how many members each member is to know of, and how many lines it is to have got.
type goal struct {
	known, said int
	talked      int
	left        atomic.Int64
	reached     chan struct{}
}

// crowdMember is a member that keeps little: how many members it knows of, how many lines it
// has got, and the names if it tracks them.
type crowdMember struct {
	crowd   *crowd
	name    string
	nc      net.Conn
	leaving atomic.Bool
	ended   chan struct{}

	mu      sync.Mutex
	welcome bool // the welcome has been read, with all pieces of the list
	known   int
	said    int
	talked  int
	heard   map[int]int     // lines of talk, by sender
	names   map[string]bool // nil unless it tracks them
	goal    *goal
}

// check counts a member that has reached the goal.
func (m *crowdMember) check() {
	g := m.goal
	if g == nil || !m.welcome || g.known != anyNumber && m.known != g.known || m.said != g.said || m.talked < g.talked {
		return
	}
	m.goal = nil
	if g.left.Add(-1) == 0 {
		close(g.reached)
	}
}

func (m *crowdMember) listen(r *bufio.Reader) {
	defer close(m.ended)
	defer m.nc.Close()
	var payload []byte
	for {
		h, err := readHeader(r)
		if err == nil {
			payload = slices.Grow(payload[:0], int(h.PayloadLength))[:h.PayloadLength]
			_, err = io.ReadFull(r, payload)
		}
		if err != nil || h.Opcode == protocol.OpClose {
			if !m.leaving.Load() {
				m.crowd.fault(fmt.Sprintf("%s lost its connection: %v, opcode %v", m.name, err, h.Opcode))
			}
			return
		}
		if h.Opcode == protocol.OpPing {
			_, _ = m.nc.Write([]byte{0x8a, 0x80, 0, 0, 0, 0}) // the server's pings are empty
			continue
		}
		if err := m.handle(payload); err != nil {
			m.crowd.fault(fmt.Sprintf("%s: %v: %.300s", m.name, err, payload))
			return
		}
	}
}

func readHeader(r *bufio.Reader) (protocol.Header, error) {
	for n := 2; ; n++ {
		b, err := r.Peek(n)
		if err != nil {
			return protocol.Header{}, err
		}
		if h, size := protocol.ParseHeader(b); size > 0 {
			_, _ = r.Discard(size)
			return h, nil
		}
	}
}

// handle checks an event. It parses the event only if the member keeps the names;
// otherwise it only searches the text.
func (m *crowdMember) handle(text []byte) error {
	kind, rest, _ := bytes.Cut(bytes.TrimPrefix(text, []byte(`{"type":"`)), []byte(`"`))
	m.mu.Lock()
	defer m.mu.Unlock()
	defer m.check()
	if m.names != nil {
		if err := m.trackNames(text); err != nil {
			return err
		}
	}
	switch string(kind) {
	case "history":
		m.welcome = bytes.HasSuffix(rest, []byte(`"more":false}`))
		return nil
	case "welcome", "members":
		if string(kind) == "welcome" { // there is another one if the member gets another name
			m.known = 0
		}
		list, end, _ := bytes.Cut(rest[bytes.IndexByte(rest, '['):], []byte("]"))
		m.known += bytes.Count(list, []byte(`"`)) / 2
		m.welcome = !bytes.Contains(end, []byte("true"))
		return nil
	case "message":
		if bytes.Contains(rest, []byte(`"text":"storm `)) {
			return nil
		}
		if _, talk, ok := bytes.Cut(rest, []byte(`"text":"talk `)); ok {
			return m.hearTalk(append([]byte("talk "), talk...))
		}
		if !bytes.Contains(rest, fmt.Appendf(nil, `"text":"%08d`, m.said)) {
			return fmt.Errorf("line %d is missing", m.said)
		}
		m.said++
		return nil
	case "join", "leave":
		n := 1
		if at := bytes.IndexByte(rest, '['); at >= 0 {
			list, _, _ := bytes.Cut(rest[at:], []byte("]"))
			n = bytes.Count(list, []byte(`"`)) / 2
		}
		if string(kind) == "leave" {
			n = -n
		}
		m.known += n
		if !bytes.HasSuffix(rest, fmt.Appendf(nil, `"members":%d}`, m.known)) || !m.welcome {
			return fmt.Errorf("it counts %d members", m.known)
		}
		return nil
	}
	return fmt.Errorf("unknown event")
}

// trackNames keeps the set of names, as a client does.
func (m *crowdMember) trackNames(text []byte) error {
	var e struct {
		Type, Name     string
		Names, Reasons []string
		Members        any
	}
	if err := json.Unmarshal(text, &e); err != nil {
		return err
	}
	names := e.Names
	if names == nil {
		names = []string{e.Name}
	}
	before := len(m.names)
	switch e.Type {
	case "welcome", "members":
		if e.Type == "welcome" {
			clear(m.names)
			before = 0
		}
		for _, name := range e.Members.([]any) {
			m.names[name.(string)] = true
		}
		if len(m.names) != before+len(e.Members.([]any)) {
			return fmt.Errorf("a name is listed twice, among %d", len(m.names))
		}
	case "join":
		for _, name := range names {
			m.names[name] = true
		}
		if len(m.names) != before+len(names) {
			return fmt.Errorf("%v joined, but some were members already", names)
		}
	case "leave":
		for _, name := range names {
			delete(m.names, name)
		}
		if len(m.names) != before-len(names) || e.Names != nil && len(e.Reasons) != len(names) {
			return fmt.Errorf("%v left, but some were not members", names)
		}
	}
	return nil
}

// runCrowdIfAsked makes this process a crowd if the environment asks for that.
func runCrowdIfAsked() {
	if where := os.Getenv(asCrowd); where != "" {
		runCrowd(where, os.Stdin, os.Stdout)
		os.Exit(0)
	}
}
