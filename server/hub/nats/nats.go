// The hub over NATS: its parts, the beat, and the end.

// Package nats joins instances in several processes, on several machines, over a NATS broker.
//
// Each instance tells the others every second that it lives, in which topics it is, and how
// many messages it has published in each. So the others notice within a second what they have
// missed, whatever was lost: that it entered or left a topic, and messages. An instance that
// is silent for about three seconds is taken for dead. One that ends says so at once.
//
// While the broker is out of reach each instance goes on alone: after three seconds the others
// count as dead. When it is back they find each other, exchange their states, and are told how
// many messages each has missed. Nothing is stored: what is published meanwhile is counted,
// and lost.
//
// The broker is not trusted with this process: what comes from it is bounded, parsed strictly,
// and refused if it is of another format, repeated, or for someone else. But whoever can
// publish on the broker can join the cluster and speak for its members, unless the instances
// share a secret.
package nats

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"framescope/server/hub"
)

const (
	beatInterval = time.Second
	maxMissed    = 3 // beats, before a peer counts as dead

	closeTimeout = 250 * time.Millisecond
)

// Options are what Connect needs. Only Cluster must be set.
type Options struct {
	Cluster Cluster
	Log     *slog.Logger
	Memory  hub.Memory  // counts what waits to be sent and received
	TLS     *tls.Config // for brokers with TLS; nil for the system's authorities

	Beat time.Duration // between the signs of life, the same for all instances; 0 for a second
}

// Hub is an instance's access to the others over NATS. Make one with Connect.
type Hub struct {
	self     id
	cluster  Cluster
	log      *slog.Logger
	interval time.Duration
	in       intake
	out      outbox
	inboxes  hub.Inboxes
	refused  refusals
	checking seal         // of what is received; the goroutine that receives has it
	apart    atomic.Bool  // from the broker
	living   atomic.Int32 // peers

	dialError atomic.Pointer[error]

	stop             context.CancelFunc
	sending, running sync.WaitGroup

	mu      sync.Mutex // guards the fields below
	closed  bool
	signing seal
	topics  map[key]*topic
	peers   map[id]*peer
	lines   int    // logged about peers since the last beat
	seats   int    // of peers in all topics
	stays   uint64 // how many topics have been entered
	beats   uint64
}

func newHub(o Options) *Hub {
	h := &Hub{
		cluster:  o.Cluster,
		log:      o.Log,
		interval: o.Beat,
		inboxes:  hub.Inboxes{Memory: o.Memory},
		signing:  newSeal(o.Cluster.secret, o.Cluster.name),
		checking: newSeal(o.Cluster.secret, o.Cluster.name),
		topics:   map[key]*topic{},
		peers:    map[id]*peer{},
	}
	if h.interval == 0 {
		h.interval = beatInterval
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	_, _ = rand.Read(h.self[:]) // never fails
	h.in.init(o.Memory)
	h.out.init(o.Memory, h.refused.add)
	h.out.link.incoming, h.out.link.own = h.in.incoming, []string{h.subjectAll(), h.subjectTo(h.self)}
	return h
}

func (h *Hub) start() {
	ctx, stop := context.WithCancel(context.Background())
	h.stop = stop
	h.sending.Go(h.out.run)
	h.running.Go(func() { h.in.collect(ctx, &h.refused) })
	h.running.Go(func() { h.receiveAll(ctx) })
	h.running.Go(func() { h.beatOften(ctx) })
}

// Subjects: all instances, one instance, a topic.

func (h *Hub) subject(rest string) string { return "framescope." + h.cluster.name + "." + rest }
func (h *Hub) subjectAll() string         { return h.subject("all") }
func (h *Hub) subjectTo(i id) string      { return h.subject("to." + string(i.peer())) }
func (h *Hub) subjectOf(k key) string     { return h.subject("topic." + k.String()) }

// Self returns the id of this instance.
func (h *Hub) Self() hub.Peer { return h.self.peer() }

// Alone reports whether no other instance is in reach.
func (h *Hub) Alone() bool { return h.living.Load() == 0 }

// receiveAll judges what arrives, until ctx is done.
func (h *Hub) receiveAll(ctx context.Context) {
	for {
		select {
		case <-h.in.ready:
			for _, message := range h.in.take() {
				h.receive(message)
			}
		case <-ctx.Done():
			return
		}
	}
}

// beatOften tells the others every interval that this instance lives, and looks after those
// that have not.
func (h *Hub) beatOften(ctx context.Context) {
	h.beat()
	ticker := time.NewTicker(h.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			h.beat()
			h.tick()
			h.refused.report(h.log)
		case <-ctx.Done():
			return
		}
	}
}

// beat sends a beat to all.
func (h *Hub) beat() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.sendBeat(id{})
	}
}

// sendBeat sends a beat to one peer, or to all. h.mu is held.
func (h *Hub) sendBeat(to id) {
	h.beats++
	places := make([]byte, 0, placeSize*len(h.topics))
	for _, t := range h.topics {
		places = place{t.key, t.stay, t.position}.append(places)
	}
	subject := h.subjectAll()
	if to != (id{}) {
		subject = h.subjectTo(to)
	}
	h.send(subject, &envelope{kind: kindBeat, to: to, position: h.beats, body: places})
}

// send queues a message. h.mu is held, so that the order of messages is that of what they
// say.
func (h *Hub) send(subject string, e *envelope) {
	e.from = h.self
	message := e.append(make([]byte, 0, headSize+len(e.body)))
	h.signing.sign(message)
	h.out.add(operation{subject: subject, message: message, kind: e.kind})
}

// countUnsent counts a message that is not sent since the broker is away.
func (h *Hub) countUnsent() {
	if h.apart.Load() {
		h.out.unsent.Add(1)
	}
}

// Close says goodbye to the others and ends the connection. Receivers are not called any
// more once it has returned.
func (h *Hub) Close() {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return
	}
	h.send(h.subjectAll(), &envelope{kind: kindGoodbye, position: h.beats + 1})
	h.closed = true
	for _, t := range h.topics {
		t.close()
	}
	h.mu.Unlock()
	h.out.close()
	h.sending.Wait()
	h.stop()
	h.running.Wait()
	h.inboxes.Wait()
}
