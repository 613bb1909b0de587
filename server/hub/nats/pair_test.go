// Tests of what two instances tell each other when single messages are lost, without a broker.

package nats

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"framescope/server/hub"
)

// pieces is a receiver with a state of two pieces.
type pieces struct {
	mu    sync.Mutex
	calls []string
}

func (p *pieces) note(call string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, call)
}

func (p *pieces) PeerJoined(_ hub.Peer, send func([]byte)) {
	send([]byte("begin"))
	send([]byte("end"))
}
func (p *pieces) Received(_ hub.Peer, message []byte) { p.note(string(message)) }
func (p *pieces) PeerLeft(hub.Peer, error)            { p.note("left") }
func (p *pieces) Lost(_ hub.Peer, n uint64)           { p.note(fmt.Sprint("lost ", n)) }

// pass gives what is queued in one hub to another, except what is to be dropped.
func pass(from, to *Hub, drop func(envelope) bool) (passed int) {
	from.out.mu.Lock()
	queue := from.out.queue
	from.out.queue, from.out.size = nil, 0
	from.out.mu.Unlock()
	for _, op := range queue {
		if op.message == nil {
			continue
		}
		passed++
		if e, err := parse(op.message); err != nil || !drop(e) {
			to.receive(op.message)
		}
	}
	to.inboxes.Wait()
	return passed
}

// exchange lets two hubs talk for some beats.
func exchange(a, b *Hub, beats int, drop func(envelope) bool) {
	for range beats {
		for _, h := range []*Hub{a, b} {
			h.beat()
			h.tick()
		}
		for pass(a, b, drop)+pass(b, a, drop) > 0 {
		}
	}
}

// TestLostToOne: if a message to one instance is lost, that notices it although no other follows.
// Otherwise it would never know the state of which the last piece was lost.
func TestLostToOne(t *testing.T) {
	a, b := offline(""), offline("")
	a.Join("room", new(pieces))
	knows := new(pieces)
	b.Join("room", knows)
	lose := 1
	exchange(a, b, 10, func(e envelope) bool {
		if string(e.body) == "end" && e.from == a.self && lose > 0 {
			lose--
			return true
		}
		return false
	})
	if want := []string{"begin", "lost 1", "begin", "end"}; !slices.Equal(knows.calls, want) {
		t.Errorf("%q, want %q", knows.calls, want)
	}
}

// numbers is a receiver whose state is some numbers. It publishes which come and go, and knows those of
// its peers.
type numbers struct {
	topic hub.Topic
	own   map[int]bool
	turn  int // of the last change

	mu     sync.Mutex // guards the fields below
	known  map[int]bool
	coming map[int]bool // of the state that is on its way, or nil
	heard  int          // the peer's turn
	faults []string
}

func (h *Hub) joinWithNumbers(turn, heard int) *numbers {
	n := &numbers{own: map[int]bool{}, turn: turn, known: map[int]bool{}, heard: heard}
	n.topic = h.Join("room", n)
	return n
}

func (n *numbers) change(i int) {
	n.own[i] = !n.own[i]
	n.turn++
	n.topic.Publish(fmt.Append(nil, i, n.own[i], n.turn))
}

func (n *numbers) PeerJoined(_ hub.Peer, send func([]byte)) {
	send([]byte("begin"))
	for i, is := range n.own {
		send(fmt.Append(nil, i, is))
	}
	send([]byte("end"))
}

func (n *numbers) Received(_ hub.Peer, message []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch string(message) {
	case "begin":
		n.coming = map[int]bool{}
		return
	case "end":
		if n.coming != nil {
			n.known, n.coming = n.coming, nil
		}
		return
	}
	var i, turn int
	var is bool
	_, _ = fmt.Sscan(string(message), &i, &is, &turn) // a state has no turns
	n.known[i] = is
	if n.coming != nil {
		n.coming[i] = is
	}
	if turn != 0 && turn <= n.heard {
		n.faults = append(n.faults, fmt.Sprintf("%d after %d", turn, n.heard))
	}
	n.heard = max(n.heard, turn)
}

func (n *numbers) PeerLeft(hub.Peer, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.known, n.coming = map[int]bool{}, nil
}

func (n *numbers) Lost(hub.Peer, uint64) {}

// TestAgreement: whatever is lost, in the end two instances know each other's state, and no message
// comes twice or too late.
func TestAgreement(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 0))
		a, b := offline(""), offline("")
		hubs := [2]*Hub{a, b}
		ns := [2]*numbers{a.joinWithNumbers(0, 0), b.joinWithNumbers(0, 0)}
		loss := 0.0
		drop := func(envelope) bool { return r.Float64() < loss }
		for range 60 {
			i := r.IntN(2)
			switch r.IntN(12) {
			case 0:
				loss = []float64{0, 0, 0.1, 0.5, 1}[r.IntN(5)]
			case 1:
				exchange(a, b, 1, drop)
			case 2:
				hubs[i].beat()
				hubs[i].tick()
			case 3:
				ns[i].topic.Leave()
				ns[i] = hubs[i].joinWithNumbers(ns[i].turn, ns[i].heard)
			case 4, 5, 6:
				pass(hubs[i], hubs[1-i], drop)
			default:
				ns[i].change(r.IntN(5))
			}
		}
		loss = 0
		exchange(a, b, 12, drop)
		for i, n := range ns {
			maps.DeleteFunc(n.known, func(_ int, is bool) bool { return !is })
			maps.DeleteFunc(ns[1-i].own, func(_ int, is bool) bool { return !is })
			if !maps.Equal(n.known, ns[1-i].own) || len(n.faults) > 0 {
				t.Errorf("seed %d: instance %d knows %v of %v; %q", seed, i, n.known, ns[1-i].own, n.faults)
			}
		}
	}
}
