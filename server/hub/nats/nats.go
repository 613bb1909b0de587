// The hub over NATS: connecting, the heartbeat, and the end.

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
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	broker "github.com/nats-io/nats.go"

	"framescope/server/hub"
)

const (
	beatInterval = time.Second
	maxMissed    = 3 // beats, before a peer counts as dead

	// What a broker gets to answer, and how soon it is tried again.
	brokerPing    = time.Second
	writeTimeout  = time.Second
	reconnectWait = 250 * time.Millisecond
	closeTimeout  = 250 * time.Millisecond
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

// Connect connects to the brokers. If none can be reached it goes on without them, says so in
// the log, and keeps trying. It fails if a broker refuses the credentials.
func Connect(o Options) (*Hub, error) { return connect(o, reconnectWait) }

func connect(o Options, retry time.Duration) (*Hub, error) {
	h := newHub(o)
	options := h.options(o, retry)
	first := true
	h.out.link.dial = func() (*broker.Conn, error) {
		if !first {
			return broker.Connect(o.Cluster.servers, append(options, broker.RetryOnFailedConnect(true))...)
		}
		first = false
		return h.connectFirst(options)
	}
	if err := h.out.link.connect(); err != nil {
		return nil, fmt.Errorf("the broker at %s refuses this server: %w: correct the user, password or token in the URL", o.Cluster, err)
	}
	h.start()
	return h, nil
}

// connectFirst makes a connection, or one that is made later if no broker can be reached.
func (h *Hub) connectFirst(options []broker.Option) (*broker.Conn, error) {
	conn, err := broker.Connect(h.cluster.servers, options...)
	if err == nil {
		h.log.Info("joined the cluster", "broker", h.cluster.String(), "name", h.cluster.name, "instance", h.Self())
		return conn, nil
	}
	if isFinal(err) {
		return nil, err
	}
	h.apart.Store(true)
	if why := h.dialError.Load(); why != nil && errors.Is(err, broker.ErrNoServers) {
		err = *why
	}
	h.log.Warn("no broker can be reached: this server is alone until one can", "broker", h.cluster.String(), "why", err)
	return broker.Connect(h.cluster.servers, append(options, broker.RetryOnFailedConnect(true))...)
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

// isFinal reports whether trying again will not help.
func isFinal(err error) bool {
	return errors.Is(err, broker.ErrAuthorization) || errors.Is(err, broker.ErrAuthExpired) || errors.Is(err, broker.ErrAuthRevoked)
}

// options of the client library. It buffers nothing while the broker is away, since nothing
// bounds how long that is, and goes nowhere else because a broker says so.
func (h *Hub) options(o Options, retry time.Duration) []broker.Option {
	config := o.TLS
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return []broker.Option{
		broker.Name("framescope"), broker.NoEcho(), broker.SkipHostLookup(), broker.DontRandomize(),
		broker.SetCustomDialer(dialer{secure: o.Cluster.secure, tls: config, failed: h.dialFailed}),
		broker.Timeout(dialTimeout), broker.FlusherTimeout(writeTimeout),
		broker.PingInterval(brokerPing), broker.MaxPingsOutstanding(2),
		broker.MaxReconnects(-1), broker.ReconnectWait(retry), broker.ReconnectJitter(retry, retry),
		broker.ReconnectBufSize(-1), broker.IgnoreAuthErrorAbort(), broker.IgnoreDiscoveredServers(),
		broker.DisconnectErrHandler(func(_ *broker.Conn, err error) { h.disconnected(err) }),
		broker.ConnectHandler(func(*broker.Conn) { h.connected() }),
		broker.ReconnectHandler(func(*broker.Conn) { h.connected() }),
		broker.ClosedHandler(func(c *broker.Conn) { h.connectionClosed(c.LastError()) }),
		broker.ErrorHandler(func(_ *broker.Conn, _ *broker.Subscription, err error) { h.refused.add(err) }),
	}
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

func (h *Hub) dialFailed(err error) { h.dialError.Store(&err) }

// disconnected, connectionClosed and connected are called by the client library.

func (h *Hub) disconnected(err error) {
	if err != nil && h.apart.CompareAndSwap(false, true) {
		h.log.Warn("the broker is out of reach: this server goes on alone until it is back", "broker", h.cluster.String(), "why", err)
	}
}

// connectionClosed is called when the library will not connect again: after Close, and after
// some errors that a broker may send.
func (h *Hub) connectionClosed(why error) {
	h.mu.Lock()
	closed := h.closed
	h.mu.Unlock()
	if closed {
		return
	}
	if why == nil {
		why = broker.ErrConnectionClosed
	}
	h.disconnected(why)
	h.out.connectLater()
}

func (h *Hub) connected() {
	if h.apart.CompareAndSwap(true, false) {
		h.log.Info("joined the cluster", "broker", h.cluster.String(), "name", h.cluster.name, "instance", h.Self(), "unsent", h.out.takeUnsent())
	}
	h.beat()
}

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
