// What every implementation of the hub promises, tried with three instances.

package hub_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"framescope/server/hub"
	"framescope/server/hub/nats"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// implementations join n instances. They end with the test.
var implementations = map[string]func(t *testing.T, n int) []hub.Hub{
	"local": func(t *testing.T, n int) (hubs []hub.Hub) {
		var l hub.Local
		var inboxes hub.Inboxes
		t.Cleanup(func() {
			inboxes.Wait()
			if inboxes.Queued() != 0 {
				t.Errorf("%d bytes are queued at the end", inboxes.Queued())
			}
		})
		for range n {
			hubs = append(hubs, l.InstanceIn(&inboxes))
		}
		return hubs
	},
	"nats": func(t *testing.T, n int) (hubs []hub.Hub) {
		cluster, err := nats.ParseURL(startBroker(t, 0).ClientURL() + "/test?secret=hidden")
		if err != nil {
			t.Fatal(err)
		}
		for range n {
			h, err := nats.Connect(nats.Options{Cluster: cluster})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(h.Close)
			hubs = append(hubs, h)
		}
		return hubs
	},
}

// startBroker runs a NATS server on loopback until the test ends. Port 0 picks a free one.
func startBroker(t *testing.T, port int) *server.Server {
	t.Helper()
	if port == 0 {
		port = server.RANDOM_PORT
	}
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("the broker does not start")
	}
	return s
}

// each runs a test with every implementation.
func each(t *testing.T, n int, test func(t *testing.T, hubs []hub.Hub)) {
	for name, join := range implementations {
		t.Run(name, func(t *testing.T) { test(t, join(t, n)) })
	}
}

func TestInstancesMeet(t *testing.T) {
	each(t, 3, func(t *testing.T, hubs []hub.Hub) {
		a, b, c := newRecorder("a", "a1", "a2"), newRecorder("b", "b1"), newRecorder("c")
		ta := hubs[0].Join("room", a)
		if !ta.Alone() {
			t.Error("the first is not alone")
		}
		ta.Publish([]byte("nobody hears this"))
		tb := hubs[1].Join("room", b)
		a.untilCalls(t, hubs[1].Self(), "joined", "b1")
		b.untilCalls(t, hubs[0].Self(), "joined", "a1", "a2")
		tc := hubs[2].Join("room", c)
		c.untilCalls(t, hubs[0].Self(), "joined", "a1", "a2")
		c.untilCalls(t, hubs[1].Self(), "joined", "b1")
		a.untilCalls(t, hubs[2].Self(), "joined")
		b.untilCalls(t, hubs[2].Self(), "joined")
		if ta.Alone() || tb.Alone() || tc.Alone() {
			t.Error("an instance believes that it is alone")
		}
		ta.Publish([]byte("to all"))
		ta.Send(hubs[2].Self(), []byte("to c"))
		ta.Send(hubs[0].Self(), []byte("to itself"))
		ta.Send("nobody", []byte("to nobody"))
		ta.Publish([]byte("to all again"))
		c.untilCalls(t, hubs[0].Self(), "joined", "a1", "a2", "to all", "to c", "to all again")
		b.untilCalls(t, hubs[0].Self(), "joined", "a1", "a2", "to all", "to all again")
		tb.Leave()
		a.untilCalls(t, hubs[1].Self(), "joined", "b1", "left")
		c.untilCalls(t, hubs[1].Self(), "joined", "b1", "left")
		tb.Publish([]byte("after it left"))
		tb.Leave()
		tb = hubs[1].Join("room", b)
		a.untilCalls(t, hubs[1].Self(), "joined", "b1", "left", "joined", "b1")
		tb.Publish([]byte("back"))
		a.untilLast(t, hubs[1].Self(), "back")
		for _, topic := range []hub.Topic{ta, tb, tc} {
			topic.Leave()
		}
	})
}

// TestTopicsAreApart: any string names a topic, wildcards and spaces included.
func TestTopicsAreApart(t *testing.T) {
	each(t, 2, func(t *testing.T, hubs []hub.Hub) {
		names := []string{"", "a", "a.b", "*", ">", "a b", "\r\nPUB x 1\r\n", strings.Repeat("long", 1000), "\xff\x00"}
		var here, there []*recorder
		var topics []hub.Topic
		for _, name := range names {
			here, there = append(here, newRecorder("here "+name)), append(there, newRecorder("there "+name))
			topics = append(topics, hubs[0].Join(name, here[len(here)-1]), hubs[1].Join(name, there[len(there)-1]))
		}
		for i := range names {
			there[i].untilCalls(t, hubs[0].Self(), "joined")
			here[i].untilCalls(t, hubs[1].Self(), "joined")
		}
		// A Send is not lost while the topic's instances still greet each other, a Publish may be.
		for i := range names {
			topics[2*i].Send(hubs[1].Self(), fmt.Append(nil, i))
		}
		for i := range names {
			there[i].untilCalls(t, hubs[0].Self(), "joined", fmt.Sprint(i))
		}
		for _, topic := range topics {
			topic.Leave()
		}
	})
}

// TestOrder: three instances publish and send at the same time; each receives what each other
// sent in its order, none twice, none lost.
func TestOrder(t *testing.T) {
	each(t, 3, func(t *testing.T, hubs []hub.Hub) {
		const messages = 3000
		var recorders []*recorder
		var topics []hub.Topic
		for i, h := range hubs {
			recorders = append(recorders, newRecorder(fmt.Sprint(i), "state"))
			topics = append(topics, h.Join("order", recorders[i]))
		}
		for i := range hubs {
			for j := range hubs {
				if i != j {
					recorders[i].untilCalls(t, hubs[j].Self(), "joined", "state")
				}
			}
		}
		want := []string{"joined", "state"}
		for n := range messages {
			want = append(want, fmt.Sprint(n))
		}
		for i, topic := range topics {
			go func() {
				var b []byte
				for n := range messages {
					b = fmt.Append(b[:0], n) // the hub keeps nothing of it
					if n%3 != 0 {
						topic.Publish(b)
						continue
					}
					for j := range hubs {
						if i != j {
							topic.Send(hubs[j].Self(), b)
						}
					}
				}
			}()
		}
		for i := range hubs {
			for j := range hubs {
				if i != j {
					recorders[i].untilCalls(t, hubs[j].Self(), want...)
				}
			}
			recorders[i].check(t)
		}
		for _, topic := range topics {
			topic.Leave()
		}
	})
}

// TestSlowReceiver: what does not fit into its queue is lost, counted where it was lost, and
// the state is sent again; nobody waits, and other receivers lose nothing.
func TestSlowReceiver(t *testing.T) {
	each(t, 3, func(t *testing.T, hubs []hub.Hub) {
		a, slow, quick := newRecorder("a", "state"), newRecorder("slow"), newRecorder("quick")
		slow.block = make(chan struct{})
		topics := []hub.Topic{hubs[0].Join("room", a), hubs[1].Join("room", slow), hubs[2].Join("room", quick)}
		slow.untilCalls(t, hubs[0].Self(), "joined", "state")
		quick.untilCalls(t, hubs[0].Self(), "joined", "state")
		const messages = 200
		large := bytes.Repeat([]byte("x"), 64<<10)
		for n := range messages {
			topics[0].Publish(large)
			quick.until(t, hubs[0].Self(), "message", func(calls []string) bool { return len(calls) == n+3 })
		}
		close(slow.block)
		received := func(calls []string) (n int) {
			for _, c := range calls {
				if len(c) == len(large) {
					n++
				}
			}
			return n
		}
		calls := slow.until(t, hubs[0].Self(), "all", func(calls []string) bool {
			return received(calls)+int(slow.lostSoFar()) >= messages && slices.Contains(calls[3:], "state")
		})
		if lost := slow.lostSoFar(); lost == 0 || received(calls)+int(lost) != messages {
			t.Errorf("%d received, %d lost of %d", received(calls), lost, messages)
		}
		a.until(t, hubs[1].Self(), "another greeting", func(calls []string) bool { return slices.Equal(calls, []string{"joined", "joined"}) })
		for _, topic := range topics {
			topic.Leave()
		}
	})
}

func TestTooLargeIsLost(t *testing.T) {
	each(t, 2, func(t *testing.T, hubs []hub.Hub) {
		a, b := newRecorder("a", "state"), newRecorder("b")
		ta, tb := hubs[0].Join("room", a), hubs[1].Join("room", b)
		b.untilCalls(t, hubs[0].Self(), "joined", "state")
		ta.Publish(make([]byte, hub.MaxMessage+1))
		b.untilCalls(t, hubs[0].Self(), "joined", "state", "lost 1", "state")
		ta.Publish(make([]byte, hub.MaxMessage))
		b.until(t, hubs[0].Self(), "a large message", func(calls []string) bool { return len(calls[len(calls)-1]) == hub.MaxMessage })
		ta.Leave()
		tb.Leave()
	})
}

// TestComingAndGoing: an instance that joins and leaves quickly is told of and forgotten in
// turns, and at the end the others know that it is there.
func TestComingAndGoing(t *testing.T) {
	each(t, 2, func(t *testing.T, hubs []hub.Hub) {
		a, b := newRecorder("a", "state"), newRecorder("b", "there")
		ta := hubs[0].Join("room", a)
		var tb hub.Topic
		for range 200 {
			tb = hubs[1].Join("room", b) // leaves the topic that it is in
		}
		tb.Publish(nil)
		calls := a.until(t, hubs[1].Self(), "all", func(calls []string) bool {
			tb.Send(hubs[0].Self(), []byte("end"))
			return len(calls) > 0 && calls[len(calls)-1] == "end"
		})
		here := false
		for _, c := range calls {
			if (c == "joined" || c == "left") && here == (c == "joined") {
				t.Fatalf("%q: not in turns", calls)
			}
			here = c != "left"
		}
		ta.Leave()
		tb.Leave()
		a.check(t)
	})
}

// TestAloneIsFree: publishing without peers allocates nothing.
func TestAloneIsFree(t *testing.T) {
	each(t, 1, func(t *testing.T, hubs []hub.Hub) {
		topic := hubs[0].Join("room", newRecorder("a"))
		defer topic.Leave()
		p := make([]byte, 100)
		if n := testing.AllocsPerRun(100, func() { topic.Publish(p) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}
