// Tests of rooms, of what is sent to many, and of several instances.

package socketio_test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"framescope/server/engineio"
	"framescope/server/hub"
	"framescope/server/memory"
	"framescope/server/socketio"
)

// serveRooms serves a namespace whose sockets are sent to a channel.
func serveRooms(t *testing.T, o socketio.Options) (n *socketio.Namespace, url string, sockets chan *socketio.Socket) {
	t.Helper()
	io, url := serve(t, o)
	sockets = make(chan *socketio.Socket, 100)
	n = io.Namespace("/")
	n.OnConnect(func(s *socketio.Socket, _ json.RawMessage) error { sockets <- s; return nil })
	n.On("sync", func(*socketio.Socket) {})
	return n, url, sockets
}

// heard has the server answer what came before, and returns the events until then.
func (r *raw) heard() (events []string) {
	r.t.Helper()
	for r.send(`420["sync"]`); ; {
		text := r.next()
		if strings.HasPrefix(text, "43") {
			return events
		}
		events = append(events, text)
	}
}

func TestAudiences(t *testing.T) {
	n, url, sockets := serveRooms(t, socketio.Options{})
	var peers [4]*raw
	var s [4]*socketio.Socket
	for i := range peers {
		peers[i], _ = connect(t, url, "")
		s[i] = <-sockets
	}
	for i, rooms := range [][]string{{"a"}, {"a", "b"}, {"b"}, nil} {
		for _, room := range rooms {
			if err := s[i].Join(room); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := s[1].Rooms(); !slices.Equal(got, []string{s[1].ID(), "a", "b"}) {
		t.Error(got)
	}
	if got := n.Rooms(); !slices.Equal(got, []string{"a", "b"}) || n.Members("a") != 2 || n.Members(s[3].ID()) != 1 {
		t.Error(got, n.Members("a"))
	}
	for i, test := range []struct {
		to   *socketio.Audience
		want string // who gets it
	}{
		{n.To("a"), "01"}, {n.To("a", "b"), "012"}, {n.To("a").To("b").Except("b"), "0"}, {n.To("c"), ""},
		{n.Except("a"), "23"}, {n.To(s[3].ID()), "3"}, {n.To(s[0].ID(), "a", s[0].ID()), "01"}, {n.To("a").Except(s[0].ID()), "1"},
		{s[0].To("a"), "1"}, {s[0].To(s[0].ID()), ""}, {s[3].To("a", "b"), "012"}, {s[0].Others(), "123"},
	} {
		if err := test.to.Emit("e", i, []byte("x")); err != nil {
			t.Fatal(err)
		}
		got := ""
		for j, peer := range peers {
			if events := peer.heard(); slices.Equal(events, []string{fmt.Sprintf(`451-["e",%d,{"_placeholder":true,"num":0}]`, i), "bytes: x"}) {
				got += fmt.Sprint(j)
			} else if len(events) > 0 {
				t.Errorf("%d: %q", i, events)
			}
		}
		if got != test.want {
			t.Errorf("%d: %s got it, want %s", i, got, test.want)
		}
	}
	s[1].Leave("a")
	s[1].Leave("never")
	n.Close("b")
	if got := n.Rooms(); !slices.Equal(got, []string{"a"}) || n.Members("a") != 1 || n.Members("b") != 0 {
		t.Error(got)
	}
	n.To("a").Disconnect()
	peers[0].expect("41")
	if len(n.Rooms()) != 0 {
		t.Error(n.Rooms())
	}
}

func TestRoomLimits(t *testing.T) {
	n, url, sockets := serveRooms(t, socketio.Options{MaxRooms: 5, MaxRoomsEach: 3})
	connect(t, url, "")
	connect(t, url, "")
	a, b := <-sockets, <-sockets
	for _, room := range []string{"", strings.Repeat("r", 257)} {
		if err := a.Join(room); !errors.Is(err, socketio.ErrRoomName) {
			t.Error(err)
		}
	}
	for i := range 5 {
		if err := a.Join(fmt.Sprint(i)); (err == nil) != (i < 3) || err != nil && !errors.Is(err, socketio.ErrTooManyRooms) {
			t.Error(i, err)
		}
	}
	for i := range 5 {
		if err := b.Join(fmt.Sprint(3 + i)); (err == nil) != (i < 2) {
			t.Error(i, err)
		}
	}
	if err := b.Join("0"); err != nil || len(n.Rooms()) != 5 {
		t.Error("a room that exists counts once:", err, n.Rooms())
	}
}

// TestBroadcast: many senders, many receivers, one that does not read. Each other gets everything,
// the events of each sender in order.
func TestBroadcast(t *testing.T) {
	const senders, receivers, events = 4, 50, 200
	budget := memory.NewBudget(512<<20, quiet)
	n, url, sockets := serveRooms(t, socketio.Options{Engine: engineio.Options{Memory: budget}})
	var peers []*raw
	for range receivers {
		r, _ := connect(t, url, "")
		peers = append(peers, r)
		if err := (<-sockets).Join("room"); err != nil {
			t.Fatal(err)
		}
	}
	connect(t, url, "") // reads nothing
	if err := (<-sockets).Join("room"); err != nil {
		t.Fatal(err)
	}
	padding := strings.Repeat("x", 4000)
	var all sync.WaitGroup
	for sender := range senders {
		all.Go(func() {
			for i := range events {
				_ = n.To("room").Emit("e", sender, i, padding)
			}
		})
	}
	for _, r := range peers {
		all.Go(func() {
			var next [senders]int
			for range senders * events {
				text, err := r.read()
				var sender, i int
				if _, scanErr := fmt.Sscanf(text, `42["e",%d,%d,`, &sender, &i); err != nil || scanErr != nil || i != next[sender] {
					t.Errorf("got %.40s, %v; want %v", text, err, next)
					return
				}
				next[sender]++
			}
		})
	}
	all.Wait()
}

// TestSlowReader: a client that does not read is disconnected when too much waits for it.
func TestSlowReader(t *testing.T) {
	n, url, sockets := serveRooms(t, socketio.Options{})
	connect(t, url, "")
	slow := <-sockets
	good, _ := connect(t, url, "")
	<-sockets
	noise := make([]byte, 100_000) // that cannot be compressed
	_, _ = rand.Read(noise)
	for i := 0; n.Members(slow.ID()) > 0; i++ {
		if i == 1000 {
			t.Fatal("100 MB wait for a client that does not read")
		}
		_ = n.Emit("e", noise)
		if got := good.heard(); len(got) == 0 {
			t.Fatal("the other client got nothing")
		}
	}
}

// TestInstances: three servers on one hub.
func TestInstances(t *testing.T) {
	var local hub.Local
	var n [3]*socketio.Namespace
	var peers [3]*raw
	var s [3]*socketio.Socket
	for i := range n {
		var sockets chan *socketio.Socket
		var url string
		n[i], url, sockets = serveRooms(t, socketio.Options{Hub: local.Instance()})
		peers[i], _ = connect(t, url, "")
		s[i] = <-sockets
	}
	for i := range 2 {
		if err := s[i].Join("room"); err != nil {
			t.Fatal(err)
		}
	}
	next := func(i int, want ...string) {
		t.Helper()
		peers[i].expect(want...)
	}
	_ = s[0].To("room").Emit("e", "x", map[string]any{"b": []byte("bytes")})
	next(1, `451-["e","x",{"b":{"_placeholder":true,"num":0}}]`, "bytes: bytes")
	_ = n[2].Emit("all", 1)
	for i := range 3 {
		next(i, `42["all",1]`)
	}
	_ = n[0].To(s[2].ID()).Emit("one", 2)
	next(2, `42["one",2]`)
	for i := range 500 {
		_ = n[0].To("room").Except(s[0].ID()).Emit("order", i)
	}
	for i := range 500 {
		next(1, fmt.Sprintf(`42["order",%d]`, i))
	}
	if got := append(peers[0].heard(), peers[2].heard()...); got != nil {
		t.Errorf("others got %q", got)
	}
	n[2].Close("room")
	eventually(t, func() bool { return len(n[0].Rooms())+len(n[1].Rooms()) == 0 }, func() any { return n[0].Rooms() })
	n[0].To(s[1].ID()).Disconnect()
	next(1, "41")
	if err := n[0].Emit("large", strings.Repeat("x", hub.MaxMessage)); err == nil {
		t.Error("an event larger than the hub takes was sent")
	}
}

// liar sends what nobody should, and then an event.
type liar struct{}

func (liar) PeerJoined(_ hub.Peer, send func([]byte)) {
	for _, message := range []string{
		"", "e", "x", "e\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "e\x00\x00\x01e\x01[\x00", "e\x00\x00\x01e\x031]2\x00", "e\x00\x00\x07connect\x00\x00",
		"e\x00\x00\x01e\x011\x00more", "e\x00\x00\x01e\x1d{\"_placeholder\":true,\"num\":1}\x01\x01x", "e\x90\x4e\x00", "d\xff", "c\x05a",
		"e\x00\x00\x04true\x011\x00",
	} {
		send([]byte(message))
	}
}

func (liar) Received(hub.Peer, []byte) {}
func (liar) PeerLeft(hub.Peer, error)  {}
func (liar) Lost(hub.Peer, uint64)     {}

func TestLyingInstance(t *testing.T) {
	var local hub.Local
	_, url, _ := serveRooms(t, socketio.Options{Hub: local.Instance()})
	r, _ := connect(t, url, "")
	defer local.Instance().Join("socketio/", liar{}).Leave()
	r.expect(`42["true",1]`)
}
