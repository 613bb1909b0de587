// Rooms of many: that all learn of all, and that the stalled cost nobody else anything.

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
	"framescope/server/memory"
	"framescope/server/websocket"
)

// driver gives commands to a crowd.
type driver struct {
	t   testing.TB
	in  io.Writer
	out *bufio.Reader
}

// gather starts a crowd for a chat at an address.
func gather(t testing.TB, addr string, nameLength int) *driver {
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
	// A crowd that waits in vain fails the test, instead of hanging it.
	patience := time.AfterFunc(5*time.Minute, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		patience.Stop()
	})
	return &driver{t, in, bufio.NewReader(out)}
}

// do gives a command and returns how long its parts took, sorted.
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

// narrow accepts connections whose sockets hold little, so that few bytes stall them.
type narrow struct{ *net.TCPListener }

func (l narrow) Accept() (net.Conn, error) {
	nc, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	return nc, nc.SetWriteBuffer(4 << 10)
}

// logged keeps log lines.
type logged struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// open serves a chat and returns its address; wrap may change the listener.
func open(t testing.TB, o websocket.Options, log *slog.Logger, wrap func(*net.TCPListener) net.Listener) string {
	t.Helper()
	return openChat(t, o, log, wrap, func(*chat.Handler) {})
}

func openChat(t testing.TB, o websocket.Options, log *slog.Logger, wrap func(*net.TCPListener) net.Listener, see func(*chat.Handler)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sockets := &websocket.Server{Options: o}
	rooms := chat.New(sockets, log)
	see(rooms)
	h := &http.Server{Handler: rooms}
	go h.Serve(wrap(l.(*net.TCPListener)))
	t.Cleanup(func() {
		h.Close()
		sockets.Shutdown(context.Background())
		if rooms.Held() != 0 || rooms.Open() != 0 || o.Memory.Used() != 0 {
			t.Errorf("at the end %d rooms are open, %d bytes held, %d counted", rooms.Open(), rooms.Held(), o.Memory.Used())
		}
	})
	return l.Addr().String()
}

func wide(l *net.TCPListener) net.Listener { return l }

var silent = slog.New(slog.DiscardHandler)

// TestManyJoin: a list that takes several pieces, and every change of it, reaches everyone, in
// such an order that each knows at any time how many there are.
func TestManyJoin(t *testing.T) {
	const members = 1500
	addr := open(t, websocket.Options{}, silent, wide)
	d := gather(t, addr, 0)
	d.do("join %d", members)
	for _, compressed := range []bool{false, true} {
		checkPieces(t, addr, members, compressed)
	}
	d.do("churn %d", members/3)
	d.do("say 3 100")
}

// checkPieces joins and reads the list, whose pieces are bounded, sorted and in order.
func checkPieces(t *testing.T, addr string, members int, compressed bool) {
	t.Helper()
	dialer := gorilla.Dialer{EnableCompression: compressed}
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
	// Whoever read the list before may not have been announced as gone yet.
	others := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return strings.HasPrefix(name, "zoe") })
	if len(others) != members || len(others) == len(names) || !slices.IsSorted(names) {
		t.Errorf("%d names, %d of %d others", len(names), len(others), members)
	}
}

// TestStalledMembersCostNobodyElse: who does not read is dropped, as too slow, and all others
// hear every line.
func TestStalledMembersCostNobodyElse(t *testing.T) {
	const members, stalled = 950, 50
	var log logged
	addr := open(t, websocket.Options{SendQueue: 64 << 10}, slog.New(slog.NewTextHandler(&log, nil)),
		func(l *net.TCPListener) net.Listener { return narrow{l} })
	d := gather(t, addr, 0)
	d.do("join %d", members)
	d.do("stall %d", stalled)
	d.do("say 50 4000")
	d.do("forget")
	if got := strings.Count(log.String(), `msg="chat member dropped"`); got != stalled || strings.Count(log.String(), `why="too slow"`) != stalled {
		t.Errorf("%d of %d are logged as dropped:\n%.2000s", got, stalled, log.String())
	}
}

// TestFloodIsHeardByAll: one who says more than can be spread at once is slowed down, and
// nobody falls so far behind that it is dropped.
func TestFloodIsHeardByAll(t *testing.T) {
	d := gather(t, open(t, websocket.Options{SendQueue: 128 << 10}, silent, wide), 0)
	d.do("join 200")
	d.do("flood 400 4000")
}

// TestRoomsKeepWithinTheMemory: what waits for a member that does not read is bounded by all
// rooms together too, a quarter of the memory's limit, and counted there.
func TestRoomsKeepWithinTheMemory(t *testing.T) {
	const limit = 1 << 20
	budget := memory.NewBudget(limit, silent)
	var rooms *chat.Handler
	addr := openChat(t, websocket.Options{Memory: budget, SendQueue: limit}, silent,
		func(l *net.TCPListener) net.Listener { return narrow{l} }, func(h *chat.Handler) { rooms = h })
	slow := enter(t, "http://"+addr, "r", "slow")
	slow.hears("welcome r slow [slow]")
	if err := slow.NetConn().(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	quick := enter(t, "http://"+addr, "r", "quick")
	quick.hears("welcome r quick [quick slow]")
	line, most := strings.Repeat("x", 4<<10), int64(0)
	for dropped := false; !dropped; {
		quick.says(line)
		_, text, err := quick.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		dropped = strings.HasPrefix(string(text), `{"type":"leave","name":"slow","reason":"too slow"`)
		if held := rooms.Held(); held > budget.Used() {
			t.Fatalf("%d bytes are held, %d counted", held, budget.Used())
		}
		most = max(most, rooms.Held())
	}
	if most < limit/8 || most > limit/4 {
		t.Errorf("at most %d bytes were held, want up to %d", most, limit/4)
	}
}

// TestStorm: while members come, talk and go as fast as they can, all that stay know at any
// time who is there.
func TestStorm(t *testing.T) {
	d := gather(t, open(t, websocket.Options{}, silent, wide), 0)
	d.do("join 150")
	d.do("storm 30 2")
	d.do("say 3 100")
}
