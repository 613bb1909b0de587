// Tests of large rooms: every member knows of all others, and members that stall do not
// delay the others.

package chat_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"

	"framescope/server/chat"
	"framescope/server/hub"
	"framescope/server/memory"
	"framescope/server/websocket"
)

// driver sends commands to a crowd.
type driver struct {
	t   testing.TB
	in  io.Writer
	out *bufio.Reader
}

// startCrowd starts a crowd for the chat at an address.
func startCrowd(t testing.TB, addr string, nameLength int) *driver {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprint(asCrowd, "=", addr, " many ", nameLength), "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// A crowd that waits for ever makes the test fail instead of hang.
	patience := time.AfterFunc(5*time.Minute, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		patience.Stop()
	})
	return &driver{t, in, bufio.NewReader(out)}
}

// do sends a command and returns how long its parts took, sorted.
func (d *driver) do(format string, a ...any) []float64 {
	d.t.Helper()
	fmt.Fprintf(d.in, format+"\n", a...)
	line, err := d.out.ReadBytes('\n')
	var r reply
	if err == nil {
		err = json.Unmarshal(line, &r)
	}
	if err != nil || len(r.Faults) > 0 {
		d.t.Fatalf(format+": %v, %s", append(a, err, strings.Join(r.Faults, "\n"))...)
	}
	slices.Sort(r.Seconds)
	return r.Seconds
}

// smallBuffers accepts connections with small socket buffers, so that little data stalls
// them.
type smallBuffers struct{ *net.TCPListener }

func (l smallBuffers) Accept() (net.Conn, error) {
	nc, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	return nc, nc.SetWriteBuffer(4 << 10)
}

// logBuffer keeps log lines.
type logBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// serveChat serves a chat and returns its address. wrap may wrap the listener.
func serveChat(t testing.TB, o websocket.Options, log *slog.Logger, wrap func(*net.TCPListener) net.Listener) string {
	t.Helper()
	return serveChatWith(t, o, log, wrap, func(*chat.Handler) {})
}

// serveChatFor serves a chat with options of its own.
func serveChatFor(t testing.TB, o websocket.Options, c chat.Options) string {
	t.Helper()
	return serveHandler(t, o, silent, defaultBuffers, c, func(*chat.Handler) {})
}

func serveChatWith(t testing.TB, o websocket.Options, log *slog.Logger, wrap func(*net.TCPListener) net.Listener, see func(*chat.Handler)) string {
	t.Helper()
	return serveHandler(t, o, log, wrap, chat.Options{}, see)
}

func serveHandler(t testing.TB, o websocket.Options, log *slog.Logger, wrap func(*net.TCPListener) net.Listener, c chat.Options, see func(*chat.Handler)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sockets := &websocket.Server{Options: o}
	rooms := chat.New(sockets, log, c)
	see(rooms)
	h := &http.Server{Handler: rooms}
	go h.Serve(wrap(l.(*net.TCPListener)))
	t.Cleanup(func() {
		h.Close()
		sockets.Shutdown(context.Background())
		if rooms.Queued() != 0 || rooms.Open() != 0 || o.Memory != nil && o.Memory.Used() != rooms.Remembered() {
			t.Errorf("at the end %d rooms are open, %d bytes are queued, %d are counted", rooms.Open(), rooms.Queued(), o.Memory.Used())
		}
	})
	return l.Addr().String()
}

func defaultBuffers(l *net.TCPListener) net.Listener { return l }

var silent = slog.New(slog.DiscardHandler)

// TestManyMembersJoin checks that a list in several pieces, and every change of it, reaches
// all members in an order in which each always knows how many members there are.
func TestManyMembersJoin(t *testing.T) {
	const members = 1500
	addr := serveChat(t, websocket.Options{}, silent, defaultBuffers)
	d := startCrowd(t, addr, 0)
	d.do("join %d", members)
	for _, compressed := range []bool{false, true} {
		checkPieces(t, addr, members, compressed)
	}
	d.do("churn %d", members/3)
	d.do("say 3 100")
}

// checkPieces joins, reads the list, and checks that its pieces are small enough and sorted.
func checkPieces(t *testing.T, addr string, members int, compressed bool) {
	t.Helper()
	dialer := gorilla.Dialer{EnableCompression: compressed, Subprotocols: []string{chat.Subprotocol}}
	c, _, err := dialer.Dial("ws://"+addr+"/?room=many&name=zoe", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var names []string
	for more := true; more; {
		_, text, err := c.ReadMessage()
		var e struct {
			Type    string
			Members []string
			More    *bool
		}
		if err == nil {
			err = json.Unmarshal(text, &e)
		}
		first := names == nil
		if err != nil || e.More == nil || e.Members == nil || first != (e.Type == "welcome") || !first && e.Type != "members" {
			t.Fatalf("%.300s, %v", text, err)
		}
		if len(text) > 17<<10 || len(e.Members) > 500 || first && len(e.Members) > 0 {
			t.Errorf("a piece of %d bytes, %d names: %.100s", len(text), len(e.Members), text)
		}
		names, more = append(names, e.Members...), *e.More
		if first {
			names = []string{}
		}
	}
	// The member of the call before may not have been announced as gone yet.
	others := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return strings.HasPrefix(name, "zoe") })
	if len(others) != members || len(others) == len(names) || !slices.IsSorted(names) {
		t.Errorf("%d names, %d of %d others", len(names), len(others), members)
	}
}

// TestStalledMembersDoNotDelayOthers checks that members that do not read are dropped as too
// slow, and that all others get every line.
func TestStalledMembersDoNotDelayOthers(t *testing.T) {
	const members, stalled = 950, 50
	var log logBuffer
	addr := serveChat(t, websocket.Options{SendQueue: 64 << 10}, slog.New(slog.NewTextHandler(&log, nil)),
		func(l *net.TCPListener) net.Listener { return smallBuffers{l} })
	d := startCrowd(t, addr, 0)
	d.do("join %d", members)
	d.do("stall %d", stalled)
	d.do("say 50 4000")
	d.do("forget")
	if got := strings.Count(log.String(), `msg="chat member dropped"`); got != stalled || strings.Count(log.String(), `why="too slow"`) != stalled {
		t.Errorf("%d of %d are logged as dropped:\n%.2000s", got, stalled, log.String())
	}
}

// TestFloodReachesAll checks that a member that says more than can be delivered is slowed
// down, and that no member falls so far behind that it is dropped.
func TestFloodReachesAll(t *testing.T) {
	d := startCrowd(t, serveChat(t, websocket.Options{SendQueue: 128 << 10}, silent, defaultBuffers), 0)
	d.do("join 200")
	d.do("flood 400 4000")
}

// TestManySpeak: of a hundred lines a second that many members say in a room of a thousand,
// each reaches all members once, and in the order of its sender.
func TestManySpeak(t *testing.T) {
	d := startCrowd(t, serveChat(t, websocket.Options{}, silent, defaultBuffers), 0)
	d.do("join 1000")
	d.do("talk 50 3")
}

// TestRoomsStayWithinTheBudget checks that what all rooms have queued for members that do
// not read is counted in the server's budget, and at most a quarter of that.
func TestRoomsStayWithinTheBudget(t *testing.T) {
	const limit = 1 << 20
	budget := memory.NewBudget(limit, silent)
	var rooms *chat.Handler
	addr := serveChatWith(t, websocket.Options{Memory: budget, SendQueue: limit}, silent,
		func(l *net.TCPListener) net.Listener { return smallBuffers{l} }, func(h *chat.Handler) { rooms = h })
	slow := joinRoom(t, "http://"+addr, "r", "slow")
	slow.expect("welcome r slow [slow]")
	if err := slow.NetConn().(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	quick := joinRoom(t, "http://"+addr, "r", "quick")
	quick.expect("welcome r quick [quick slow]")
	line, most := strings.Repeat("x", 4<<10), int64(0)
	for dropped := false; !dropped; {
		quick.say(line)
		_, text, err := quick.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		dropped = strings.HasPrefix(string(text), `{"type":"leave","name":"slow","reason":"too slow"`)
		if queued := rooms.Queued(); queued > budget.Used()-rooms.Remembered() {
			t.Fatalf("%d bytes are queued, %d counted", queued, budget.Used())
		}
		most = max(most, rooms.Queued())
	}
	// A message counts before the slow member is dropped for it, and the test may look just then.
	if most < limit/8 || most > limit/4+int64(len(line))+100 {
		t.Errorf("at most %d bytes were queued, want up to %d and one message", most, limit/4)
	}
}

// TestStormOfTwo does the same on two instances, whose members ask for the same names.
func TestStormOfTwo(t *testing.T) {
	var local hub.Local
	var drivers []*driver
	for i := range 2 {
		d := startCrowd(t, serveChatFor(t, websocket.Options{}, chat.Options{Hub: local.Instance()}), 0)
		d.do("others %d", 50*i)
		d.do("join 50")
		drivers = append(drivers, d)
	}
	for _, command := range []string{"others 50", "storm 10 2", "churn 20", "others 50"} {
		var both sync.WaitGroup
		for _, d := range drivers {
			both.Go(func() { d.do("%s", command) })
		}
		both.Wait()
	}
}

// TestStorm checks that members that stay always know who is in the room while others join,
// talk and leave as fast as they can.
func TestStorm(t *testing.T) {
	d := startCrowd(t, serveChat(t, websocket.Options{}, silent, defaultBuffers), 0)
	d.do("join 150")
	d.do("storm 30 2")
	d.do("say 3 100")
}
