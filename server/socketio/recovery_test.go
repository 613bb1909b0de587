// Tests of recovery with packets as they stand here; npm's client is in clients_test.go.

package socketio_test

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"framescope/server/engineio"
	"framescope/server/memory"
	"framescope/server/socketio"
)

// identity is what a client learns of itself when it connects.
type identity struct{ sid, pid string }

var connected = regexp.MustCompile(`^40\{"sid":"(.{20})","pid":"(.{20})"\}$`)

// connectAs connects with an auth payload, or none.
func connectAs(t *testing.T, url, auth string) (*raw, identity) {
	t.Helper()
	r := dial(t, url)
	r.send("40" + auth)
	answer := r.next()
	found := connected.FindStringSubmatch(answer)
	if found == nil {
		t.Fatalf("connected with %s", answer)
	}
	return r, identity{found[1], found[2]}
}

func claim(pid, offset string) string { return fmt.Sprintf(`{"pid":%q,"offset":%q}`, pid, offset) }

// recovering serves a namespace with recovery, and returns what it keeps.
func recovering(t *testing.T, window time.Duration) (*socketio.Namespace, string, chan *socketio.Socket, *memory.Budget) {
	t.Helper()
	budget := memory.NewBudget(256<<20, quiet)
	n, url, sockets := serveRooms(t, socketio.Options{Recovery: window, Engine: engineio.Options{Memory: budget}})
	return n, url, sockets, budget
}

// lose has a client lose its connection.
func lose(t *testing.T, r *raw, n *socketio.Namespace, id string) {
	t.Helper()
	r.conn.CloseNow()
	eventually(t, func() bool { return n.Members(id) == 0 }, func() any { return "still connected" })
}

func TestRecovery(t *testing.T) {
	n, url, sockets, _ := recovering(t, time.Minute)
	r, was := connectAs(t, url, "")
	s := <-sockets
	if err := s.Join("room"); err != nil {
		t.Fatal(err)
	}
	s.SetValue("name", "ann")
	_ = s.Emit("first")
	r.expect(`42["first","0"]`)
	lose(t, r, n, was.sid)
	_ = n.To("room").Emit("missed", 1)
	_ = n.To("other").Emit("missed", 2)
	_ = n.To("room").Except(was.sid).Emit("missed", 3)
	_ = n.Emit("missed", []byte("x"))
	r, is := connectAs(t, url, claim(was.pid, "0"))
	if is != was {
		t.Fatalf("came back as %v, was %v", is, was)
	}
	r.expect(`42["missed",1,"1"]`, `451-["missed",{"_placeholder":true,"num":0},"4"]`, "bytes: x")
	s = <-sockets
	if !s.Recovered() || s.Value("name") != "ann" || n.Members("room") != 1 {
		t.Error(s.Recovered(), s.Value("name"), n.Members("room"))
	}
	_ = n.To("room").Emit("now")
	r.expect(`42["now","5"]`)

	// The client is back before the server knows that the old connection is gone.
	second, is := connectAs(t, url, claim(was.pid, "5"))
	if is != was || n.Members("room") != 1 {
		t.Errorf("came back as %v, was %v", is, was)
	}
	r.expectClosed("come back on another connection")
	_ = n.To("room").Emit("to the new one")
	second.expect(`42["to the new one","6"]`)
}

// TestManyMissed: what is sent right after a client is back comes after all that it has missed,
// however much that was.
func TestManyMissed(t *testing.T) {
	n, url, _, _ := recovering(t, time.Minute)
	r, was := connectAs(t, url, "")
	_ = n.Emit("first")
	r.expect(`42["first","0"]`)
	lose(t, r, n, was.sid)
	const missed = 1000
	for range missed {
		_ = n.Emit("missed")
	}
	r, _ = connectAs(t, url, claim(was.pid, "0"))
	_ = n.Emit("now")
	_ = n.Emit("then")
	for i := range missed {
		r.expect(`42["missed","` + strconv.FormatInt(int64(i+1), 36) + `"]`)
	}
	r.expect(`42["now","`+strconv.FormatInt(missed+1, 36)+`"]`, `42["then","`+strconv.FormatInt(missed+2, 36)+`"]`)
}

// TestBackAtOnce: a client is back while the server finds that its old connection is gone.
func TestBackAtOnce(t *testing.T) {
	_, url, sockets, _ := recovering(t, time.Minute)
	_, _ = connectAs(t, url, "")
	other := <-sockets
	r, was := connectAs(t, url, "")
	<-sockets
	var noise sync.WaitGroup
	defer noise.Wait()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	for range 4 {
		noise.Go(func() {
			for ctx.Err() == nil {
				_ = other.Join("room")
				other.Leave("room")
			}
		})
	}
	for range 300 {
		next := dial(t, url)
		r.conn.CloseNow()
		next.send("40" + claim(was.pid, ""))
		if found := connected.FindStringSubmatch(next.next()); found == nil || found[2] != was.pid {
			t.Fatalf("came back as %q, was %v", found, was)
		}
		r = next
		<-sockets
	}
}

// TestNoRecovery: clients that may not come back, or not as who they say, connect anew.
func TestNoRecovery(t *testing.T) {
	n, url, _, _ := recovering(t, time.Minute)
	lost := func() identity {
		r, who := connectAs(t, url, "")
		lose(t, r, n, who.sid)
		return who
	}
	_ = n.Emit("nobody hears this")
	who, left := lost(), identity{}
	{
		r, id := connectAs(t, url, "")
		left = id
		r.send("41")
		eventually(t, func() bool { return n.Members(id.sid) == 0 }, func() any { return "still connected" })
	}
	for _, auth := range []string{
		claim("nobody", "0"), claim(left.pid, "0"), claim(lost().pid, "zzzzzz"), claim(lost().pid, "!"), claim(lost().pid, "zzzzzzzzzzzzzzzzzzzzzzzzzz"),
		claim(lost().sid, ""), `{"pid":7}`, `{"pid":null,"offset":[]}`, `{"pid":"` + strings.Repeat("p", 1000) + `"}`,
	} {
		if _, is := connectAs(t, url, auth); is.pid == who.pid || strings.Contains(auth, is.pid) {
			t.Errorf("%s came back", auth)
		}
	}
	// It missed more than can be sent at once.
	for range 6 {
		_ = n.Emit("large", strings.Repeat("x", 100_000))
	}
	if _, is := connectAs(t, url, claim(who.pid, "")); is.pid == who.pid {
		t.Error("a client that missed 600 kB came back")
	}
}

// TestRecoveryKeepsLittle: what is kept is bounded.
func TestRecoveryKeepsLittle(t *testing.T) {
	n, url, _, budget := recovering(t, time.Minute)
	r, who := connectAs(t, url, "")
	lose(t, r, n, who.sid)
	noise := make([]byte, 1<<20)
	for range 20 {
		_ = n.Emit("large", noise)
	}
	if used := budget.Used(); used < 15<<20 || used > 18<<20 {
		t.Errorf("%d bytes are kept", used)
	}
}

// TestRecoveryForgets: what is kept is forgotten in time.
func TestRecoveryForgets(t *testing.T) {
	n, url, sockets, budget := recovering(t, 100*time.Millisecond)
	r, who := connectAs(t, url, "")
	_ = (<-sockets).Join(strings.Repeat("r", 200))
	lose(t, r, n, who.sid)
	_ = n.Emit("large", make([]byte, 1<<20))
	eventually(t, func() bool { return budget.Used() == 0 }, func() any { return budget.Used() })
	if _, is := connectAs(t, url, claim(who.pid, "")); is.pid == who.pid {
		t.Error("came back too late")
	}
}
