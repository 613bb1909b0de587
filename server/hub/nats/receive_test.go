// Tests of what arrives, without a broker: forged, repeated, too many.

package nats

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"framescope/server/hub"
)

// calls is a receiver that checks what each peer's numbered messages promise.
type calls struct {
	mu     sync.Mutex
	last   map[hub.Peer]uint64 // number of the last message
	here   map[hub.Peer]bool
	faults []string
	count  int
}

func newCalls() *calls { return &calls{last: map[hub.Peer]uint64{}, here: map[hub.Peer]bool{}} }

func (c *calls) note(ok bool, format string, a ...any) {
	c.count++
	if !ok {
		c.faults = append(c.faults, fmt.Sprintf(format, a...))
	}
}

func (c *calls) PeerJoined(p hub.Peer, send func([]byte)) {
	send([]byte("state"))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.here[p] = true
	c.note(true, "")
}

func (c *calls) Received(p hub.Peer, message []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.note(c.here[p], "a message of %s, which is not here", p)
	if len(message) == 8 {
		n := binary.BigEndian.Uint64(message)
		c.note(n > c.last[p], "%d of %s after %d", n, p, c.last[p])
		c.last[p] = n
	}
}

func (c *calls) PeerLeft(p hub.Peer, _ error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.note(c.here[p], "%s leaves, but is not here", p)
	c.here[p] = false
}

func (c *calls) Lost(p hub.Peer, n uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.note(c.here[p] && n > 0, "%d lost of %s", n, p)
}

// offline is a hub without a connection.
func offline(secret string) *Hub {
	return newHub(Options{Cluster: Cluster{name: "test", secret: secret}})
}

// forge makes a message as an instance would.
func (h *Hub) forge(e envelope) []byte {
	message := e.append(nil)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.signing.sign(message)
	return message
}

func instance(n int) (i id) {
	binary.BigEndian.PutUint64(i[:], uint64(n)+1)
	return i
}

func TestEnvelope(t *testing.T) {
	h := offline("secret")
	e := envelope{kind: kindSend, from: instance(1), to: instance(2), topic: keyOf("room"), stay: 3, position: 4, directed: 5, body: []byte("hello")}
	message := h.forge(e)
	got, err := parse(message)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(e) || !h.checking.check(message) {
		t.Errorf("%+v, %v", got, err)
	}
	for n := range message {
		if _, err := parse(message[:n]); n < headSize && err == nil {
			t.Errorf("%d bytes are enough", n)
		}
		message[n] ^= 1
		if h.checking.check(message) {
			t.Errorf("byte %d may be changed", n)
		}
		message[n] ^= 1
	}
	if other := newSeal("secret", "other"); other.check(message) {
		t.Error("the message is valid in another cluster")
	}
	if open := newSeal("", "test"); open.check(message) {
		t.Error("the message is valid without a secret")
	}
}

// TestTooManyInstances: what invented instances cost is bounded.
func TestTooManyInstances(t *testing.T) {
	h := offline("")
	var log bytes.Buffer
	h.log = slog.New(slog.NewTextHandler(&log, nil))
	var topics []hub.Topic
	var places []byte
	for n := range 400 {
		topics = append(topics, h.Join(fmt.Sprint(n), newCalls()))
		places = place{keyOf(fmt.Sprint(n)), 1, 0}.append(places)
	}
	for round := range uint64(2) {
		for n := range 400 {
			h.receive(h.forge(envelope{kind: kindBeat, from: instance(n), position: round + 1, body: places}))
		}
	}
	h.inboxes.Wait()
	if lines := bytes.Count(log.Bytes(), []byte("\n")); lines != maxLines {
		t.Errorf("%d lines are logged", lines)
	}
	if living := h.living.Load(); living != maxPeers || h.seats != maxSeats || len(h.peers) > maxKnown || h.refused.count() == 0 {
		t.Errorf("%d live, %d seats, %d known, %d refused", living, h.seats, len(h.peers), h.refused.count())
	}
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	if m.HeapAlloc > 128<<20 {
		t.Errorf("%d MiB", m.HeapAlloc>>20)
	}
	for range maxMissed + 1 {
		h.tick()
	}
	for _, t := range h.topics {
		for _, s := range t.seats {
			s.idle = maxAway // ten minutes later
		}
	}
	h.tick()
	if h.seats != 0 || h.living.Load() != 0 {
		t.Errorf("%d seats and %d instances remain", h.seats, h.living.Load())
	}
	for _, topic := range topics {
		topic.Leave()
	}
	h.inboxes.Wait()
	if n := h.inboxes.Queued(); n != 0 {
		t.Errorf("%d bytes are queued", n)
	}
}

// TestForgedAccounts: without a secret others can speak for an instance, but its own beats put
// things right.
func TestForgedAccounts(t *testing.T) {
	h := offline("")
	c := newCalls()
	topic := h.Join("room", c)
	defer topic.Leave()
	k, peer := keyOf("room"), instance(1)
	beats := uint64(0)
	beat := func(position uint64) {
		h.inboxes.Wait()
		beats++
		h.receive(h.forge(envelope{kind: kindBeat, from: peer, position: beats, body: place{k, 1, position}.append(nil)}))
	}
	publish := func(position uint64) {
		h.receive(h.forge(envelope{kind: kindPublish, from: peer, topic: k, stay: 1, position: position, body: binary.BigEndian.AppendUint64(nil, position)}))
	}
	beat(0)
	h.receive(h.forge(envelope{kind: kindSync, from: peer, to: h.self, topic: k, stay: 1}))
	publish(1)
	publish(1000) // forged
	publish(2)    // looks old now
	beat(2)
	publish(3)
	h.receive(h.forge(envelope{kind: kindLeave, from: peer, topic: k, stay: 1})) // forged
	beat(3)
	h.receive(h.forge(envelope{kind: kindSync, from: peer, to: h.self, topic: k, stay: 1, position: 3}))
	h.inboxes.Wait()
	c.last[peer.peer()] = 0 // the forged one was the last
	publish(4)
	h.inboxes.Wait()
	h.receive(h.forge(envelope{kind: kindGoodbye, from: peer, position: beats + 1})) // forged
	beat(4)                                                                          // has the same number
	beat(4)
	h.inboxes.Wait()
	if !c.here[peer.peer()] || c.last[peer.peer()] != 4 {
		t.Errorf("here %v, last %v", c.here, c.last)
	}
}

// FuzzReceive: no sequence of messages, forged with the secret even, breaks what receivers
// are promised, or crashes.
func FuzzReceive(f *testing.F) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		b := make([]byte, 200)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h := offline("secret")
		c := newCalls()
		topic := h.Join("room", c)
		next := func(n int) int {
			if len(b) == 0 {
				return 0
			}
			v := int(b[0]) % n
			b = b[1:]
			return v
		}
		published := uint64(0)
		for len(b) > 0 {
			published++
			e := envelope{
				kind: kind(1 + next(int(lastKind))), from: instance(next(3)), topic: keyOf("room"), stay: uint64(next(3)),
				position: uint64(next(20)), directed: uint64(next(20)),
			}
			switch e.kind {
			case kindBeat:
				for range next(3) {
					e.body = place{keyOf([]string{"room", "other"}[next(2)]), uint64(next(3)), uint64(next(20))}.append(e.body)
				}
				e.position = published
			case kindPublish, kindSend:
				e.body = make([]byte, next(9)%8) // numbers would only be right in honest sequences
			}
			if e.kind >= kindHere && next(2) == 0 {
				e.to = h.self
			}
			message := h.forge(e)
			if next(10) == 0 {
				message[next(len(message))] ^= byte(1 + next(255))
			}
			h.receive(message)
			if next(10) == 0 {
				h.tick()
			}
		}
		h.receive(b)
		h.inboxes.Wait()
		topic.Leave()
		h.inboxes.Wait()
		if len(c.faults) > 0 {
			t.Errorf("%q", c.faults)
		}
		if h.seats != 0 || h.inboxes.Queued() != 0 {
			t.Errorf("%d seats, %d bytes", h.seats, h.inboxes.Queued())
		}
	})
}

// BenchmarkPublish is a message to another instance, up to the queue to the broker.
func BenchmarkPublish(b *testing.B) {
	for _, secret := range []string{"", "secret"} {
		b.Run("secret="+secret, func(b *testing.B) {
			h := offline(secret)
			topic := h.Join("room", newCalls())
			h.receive(h.forge(envelope{kind: kindBeat, from: instance(1), position: 1, body: place{keyOf("room"), 1, 0}.append(nil)}))
			h.inboxes.Wait()
			message := make([]byte, 125)
			b.ReportAllocs()
			for b.Loop() {
				topic.Publish(message)
				if len(h.out.queue) == 1000 {
					h.out.take()
				}
			}
		})
	}
}

// BenchmarkReceive is a message of another instance, up to the receiver's queue.
func BenchmarkReceive(b *testing.B) {
	for _, secret := range []string{"", "secret"} {
		b.Run("secret="+secret, func(b *testing.B) {
			h := offline(secret)
			h.Join("room", newCalls())
			h.receive(h.forge(envelope{kind: kindBeat, from: instance(1), position: 1, body: place{keyOf("room"), 1, 0}.append(nil)}))
			h.receive(h.forge(envelope{kind: kindSync, from: instance(1), to: h.self, topic: keyOf("room"), stay: 1}))
			e := envelope{kind: kindPublish, from: instance(1), topic: keyOf("room"), stay: 1, body: make([]byte, 125)}
			var messages [1000][]byte
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if n%len(messages) == 0 {
					b.StopTimer()
					h.inboxes.Wait()
					for i := range messages {
						e.position++
						messages[i] = h.forge(e)
					}
					b.StartTimer()
				}
				h.receive(messages[n%len(messages)])
			}
			if n := h.refused.count(); n > 0 {
				b.Errorf("%d messages were refused", n)
			}
		})
	}
}
