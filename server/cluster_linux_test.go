// What the members of a room that three servers share receive, and what that costs the servers.

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	broker "github.com/nats-io/nats-server/v2/server"

	"framescope/protocol"
)

// audience is many members of one room, on several servers. Some of them speak: what each says
// is numbered, and every member checks that it gets all of it, in order.
type audience struct {
	t        testing.TB
	speakers []*listener
	members  []*listener
	size     int          // how many there will be
	count    atomic.Int64 // of members that know all others, and then of messages that members got
	goal     atomic.Int64 // of count
	reached  chan struct{}
	wrong    chan string
	reading  sync.WaitGroup
}

// listener is a member.
type listener struct {
	all  *audience
	nc   net.Conn
	in   *bufio.Reader
	next []int // by speaker, the number of its next message
	said int

	known int // members that it knows of
}

func newAudience(t testing.TB, servers []*process, members, speakers int) *audience {
	t.Helper()
	a := &audience{t: t, size: members, reached: make(chan struct{}, 1), wrong: make(chan string, 1)}
	a.goal.Store(int64(members))
	t.Cleanup(a.end)
	for n := range members {
		m := &listener{all: a, next: make([]int, speakers)}
		if err := m.connect(servers[n%len(servers)].url, n); err != nil {
			t.Fatal(err)
		}
		a.members = append(a.members, m)
		a.reading.Go(m.listen)
		if n < speakers {
			a.speakers = append(a.speakers, m)
		}
	}
	a.await("know each other")
	return a
}

func (a *audience) end() {
	for _, m := range a.members {
		_ = m.nc.Close() // the test is over
	}
	a.reading.Wait()
}

func (a *audience) fault(format string, args ...any) {
	select {
	case a.wrong <- fmt.Sprintf(format, args...):
	default: // one is enough
	}
}

func (m *listener) connect(url string, n int) (err error) {
	host := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/")
	if m.nc, err = net.Dial("tcp", host); err != nil {
		return err
	}
	fmt.Fprintf(m.nc, "GET /ws/chat?room=crowd&name=m%d HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: framescope.chat.v1\r\n\r\n", n, host)
	m.in = bufio.NewReaderSize(m.nc, 4<<10)
	response, err := http.ReadResponse(m.in, nil)
	if err == nil && response.StatusCode != http.StatusSwitchingProtocols {
		err = fmt.Errorf("member %d: %s", n, response.Status)
	}
	return err
}

// event reads the next event.
func (m *listener) event(payload []byte) ([]byte, error) {
	for {
		h, err := m.header()
		if err != nil {
			return nil, err
		}
		payload = append(payload[:0], make([]byte, h.PayloadLength)...)
		if _, err := io.ReadFull(m.in, payload); err != nil {
			return nil, err
		}
		switch h.Opcode {
		case protocol.OpText:
			return payload, nil
		case protocol.OpPing:
			_, _ = m.nc.Write([]byte{0x8a, 0x80, 0, 0, 0, 0}) // the server's pings are empty
		default:
			return nil, fmt.Errorf("%v: %q", h.Opcode, payload)
		}
	}
}

func (m *listener) header() (protocol.Header, error) {
	for n := 2; ; n++ {
		b, err := m.in.Peek(n)
		if err != nil {
			return protocol.Header{}, err
		}
		if h, size := protocol.ParseHeader(b); size > 0 {
			_, err = m.in.Discard(size)
			return h, err
		}
	}
}

// listen checks what the member gets, until its connection ends.
func (m *listener) listen() {
	var p []byte
	for {
		var err error
		if p, err = m.event(p); err != nil {
			m.all.fault("%v", err)
			return
		}
		kind, _, _ := bytes.Cut(bytes.TrimPrefix(p, []byte(`{"type":"`)), []byte(`"`))
		switch string(kind) {
		case "welcome", "members":
			_, list, _ := bytes.Cut(p, []byte(`"members":[`))
			list, _, _ = bytes.Cut(list, []byte("]"))
			m.knows(m.known + bytes.Count(list, []byte(`"`))/2)
		case "join", "leave":
			_, number, _ := bytes.Cut(p, []byte(`"members":`))
			n, _ := strconv.Atoi(string(bytes.TrimRight(number, "}"))) // 0 shows that it is none
			m.knows(n)
		case "message":
			if !m.hears(p) {
				m.all.fault("%.100s, but %v were expected", p, m.next)
				return
			}
		}
	}
}

// knows counts the member when it knows all.
func (m *listener) knows(members int) {
	if m.known = members; members == m.all.size {
		m.all.add()
	}
}

// hears reports whether a message is the next of its speaker.
func (m *listener) hears(p []byte) bool {
	_, text, _ := bytes.Cut(p, []byte(`"text":"`))
	speaker, rest, _ := bytes.Cut(text, []byte(" "))
	number, _, _ := bytes.Cut(rest, []byte(" "))
	s, err1 := strconv.Atoi(string(speaker))
	n, err2 := strconv.Atoi(string(number))
	if err1 != nil || err2 != nil || s >= len(m.next) || n != m.next[s] {
		return false
	}
	m.next[s]++
	m.all.add()
	return true
}

func (a *audience) add() {
	if a.count.Add(1) == a.goal.Load() {
		a.reached <- struct{}{}
	}
}

// await waits until the goal is reached.
func (a *audience) await(what string) {
	a.t.Helper()
	select {
	case <-a.reached:
	case fault := <-a.wrong:
		a.t.Fatal(fault)
	case <-time.After(2 * time.Minute):
		a.t.Fatalf("not all %s: %d of %d", what, a.count.Load(), a.goal.Load())
	}
}

// speak has the speakers say messages in turn, this many a second, and waits until all members
// have heard them.
func (a *audience) speak(messages, perSecond int) {
	a.t.Helper()
	a.goal.Add(int64(messages * len(a.members)))
	ticker := time.NewTicker(time.Second / time.Duration(perSecond))
	defer ticker.Stop()
	for n := range messages {
		<-ticker.C
		s := a.speakers[n%len(a.speakers)]
		text := fmt.Appendf(nil, `{"type":"message","text":"%d %d %s"}`, n%len(a.speakers), s.said, strings.Repeat("x", 60))
		h := protocol.Header{Fin: true, Masked: true, Opcode: protocol.OpText, PayloadLength: uint64(len(text))}
		if _, err := s.nc.Write(append(protocol.AppendHeader(nil, h), text...)); err != nil {
			a.t.Fatal(err)
		}
		s.said++
	}
	a.await("hear all")
}

// cpuOf returns the processor time that processes have used.
func cpuOf(t testing.TB, processes []*process) (used time.Duration) {
	t.Helper()
	for _, p := range processes {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		// proc(5): the fields after the name in parentheses; 14 and 15 are hundredths of seconds.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		for _, field := range fields[11:13] {
			ticks, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			used += time.Duration(ticks) * 10 * time.Millisecond
		}
	}
	return used
}

// TestClusterDeliversAll: in order, none lost, none doubled.
func TestClusterDeliversAll(t *testing.T) {
	t.Parallel()
	a := newAudience(t, startCluster(t, 3), 90, 9)
	a.speak(1500, 2000)
}

// startCluster starts servers as processes. One is alone, more have a broker in this process.
func startCluster(t testing.TB, n int) (servers []*process) {
	t.Helper()
	args := []string{"--addr", "127.0.0.1:0"}
	if n > 1 {
		args = append(args, "--cluster", startBroker(t, broker.RANDOM_PORT).ClientURL())
	}
	for range n {
		servers = append(servers, startProcess(t, args...))
	}
	return servers
}

// BenchmarkCluster reports the processor time that servers use for each message to each
// member, at 100 messages a second, in a room of 1,000 members on one server and of 3,000 on
// three. The members share the processors with the servers: if they are too few, fewer
// messages are said, and servers send several at once.
func BenchmarkCluster(b *testing.B) {
	const messages, perSecond = 500, 100
	for _, servers := range []int{1, 3} {
		b.Run(fmt.Sprint(servers), func(b *testing.B) {
			members := 1000 * servers
			for range b.N {
				processes := startCluster(b, servers)
				begun := time.Now()
				a := newAudience(b, processes, members, 30)
				b.ReportMetric(time.Since(begun).Seconds(), "s/join")
				a.speak(messages/5, perSecond) // to warm up
				before := cpuOf(b, processes)
				begun = time.Now()
				a.speak(messages, perSecond)
				took, used := time.Since(begun), cpuOf(b, processes)-before
				b.ReportMetric(float64(used.Nanoseconds())/1000/float64(messages*members), "cpu-µs/delivery")
				b.ReportMetric(messages/took.Seconds(), "messages/s")
				a.end()
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
