// The hub over NATS when something fails: the broker, an instance, the credentials.

package hub_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	broker "github.com/nats-io/nats.go"

	"github.com/nats-io/nats-server/v2/server"

	"framescope/server/hub"
	"framescope/server/hub/nats"
)

// quick is a beat that makes tests short, and is long enough for a busy machine.
const quick = 250 * time.Millisecond

// connect joins a cluster until the test ends.
func connect(t *testing.T, url string, log *logBuffer) *nats.Hub {
	t.Helper()
	cluster, err := nats.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	h, err := nats.Connect(nats.Options{Cluster: cluster, Beat: quick, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// logBuffer keeps log lines.
type logBuffer struct {
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{}
}

func newLog() *logBuffer { return &logBuffer{changed: make(chan struct{})} }

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// until waits until the log contains a text.
func (l *logBuffer) until(t *testing.T, text string) {
	t.Helper()
	patience := time.After(20 * time.Second)
	for {
		l.mu.Lock()
		has, changed := strings.Contains(l.text.String(), text), l.changed
		l.mu.Unlock()
		if has {
			return
		}
		select {
		case <-changed:
		case <-patience:
			t.Fatalf("no %q in the log:\n%s", text, l)
		}
	}
}

// TestBrokerGoesAwayAndComesBack: the instances go on alone, and when the broker is back they
// meet again and are told how much they have missed.
func TestBrokerGoesAwayAndComesBack(t *testing.T) {
	first := startBroker(t, 0)
	log := newLog()
	ha, hb := connect(t, first.ClientURL(), log), connect(t, first.ClientURL(), newLog())
	a, b := newRecorder("a", "state of a"), newRecorder("b", "state of b")
	ta, tb := ha.Join("room", a), hb.Join("room", b)
	b.untilCalls(t, ha.Self(), "joined", "state of a")
	a.untilCalls(t, hb.Self(), "joined", "state of b")
	ta.Publish([]byte("before"))
	b.untilLast(t, ha.Self(), "before")

	first.Shutdown()
	first.WaitForShutdown()
	log.until(t, "the broker is out of reach")
	const while = 100_000 // far more than is queued
	for range while {
		ta.Publish([]byte("while it is away"))
	}
	b.untilCalls(t, ha.Self(), "joined", "state of a", "before", "left")
	a.untilCalls(t, hb.Self(), "joined", "state of b", "left")
	if !ha.Alone() {
		t.Error("an instance believes that it is not alone")
	}

	startBroker(t, portOf(t, first))
	calls := b.untilLast(t, ha.Self(), "state of a")
	if want := fmt.Sprint("lost ", while); !slices.Contains(calls, want) || slices.Contains(calls, "while it is away") {
		t.Errorf("%q, want %q", calls, want)
	}
	a.until(t, hb.Self(), "the state", func(calls []string) bool { return len(calls) >= 5 && slices.Contains(calls[4:], "state of b") })
	publishUntilReceived(ta, ha, b)
	publishUntilReceived(tb, hb, a)
	log.until(t, fmt.Sprintf("unsent=%d", while))
}

// portOf returns the port of a server, which may have ended.
func portOf(t *testing.T, s *server.Server) int {
	t.Helper()
	_, port, _ := strings.Cut(strings.TrimPrefix(s.ClientURL(), "nats://"), ":")
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestNoBrokerAtTheStart: the instance waits for it.
func TestNoBrokerAtTheStart(t *testing.T) {
	s := startBroker(t, 0)
	s.Shutdown()
	s.WaitForShutdown()
	log := newLog()
	ha, hb := connect(t, s.ClientURL(), log), connect(t, s.ClientURL(), newLog())
	if !strings.Contains(log.String(), "connection refused") {
		t.Errorf("the log does not say why:\n%s", log)
	}
	a, b := newRecorder("a"), newRecorder("b", "state of b")
	ta := ha.Join("room", a)
	hb.Join("room", b)
	ta.Publish([]byte("to nobody"))
	startBroker(t, portOf(t, s))
	a.untilCalls(t, hb.Self(), "joined", "state of b")
	b.untilCalls(t, ha.Self(), "joined")
}

// TestInstanceDies: without a goodbye its members leave after three beats. If it lives after
// all, it is back, with what it missed.
func TestInstanceDies(t *testing.T) {
	s := startBroker(t, 0)
	relay := startRelay(t, s.Addr().String())
	ha, hb := connect(t, s.ClientURL(), newLog()), connect(t, "nats://"+relay.addr, newLog())
	a := newRecorder("a")
	ta := ha.Join("room", a)
	b := newRecorder("b", "state of b")
	hb.Join("room", b)
	a.untilCalls(t, hb.Self(), "joined", "state of b")
	b.untilCalls(t, ha.Self(), "joined")
	relay.freeze()
	a.untilCalls(t, hb.Self(), "joined", "state of b", "left")
	if !ha.Alone() {
		t.Error("an instance believes that it is not alone")
	}
	ta.Publish([]byte("unheard"))
	relay.thaw()
	a.until(t, hb.Self(), "its return", func(calls []string) bool {
		if len(calls) < 5 {
			return false
		}
		return slices.Equal(calls[:4], []string{"joined", "state of b", "left", "joined"}) && calls[len(calls)-1] == "state of b"
	})
	b.until(t, ha.Self(), "the loss", func(calls []string) bool { return slices.Contains(calls, "lost 1") })
	publishUntilReceived(ta, ha, b)
}

// TestSmallMaxPayload: what the broker takes for too large is lost, and told.
func TestSmallMaxPayload(t *testing.T) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true, MaxPayload: 4096})
	if err != nil {
		t.Fatal(err)
	}
	run(t, s)
	log := newLog()
	ha, hb := connect(t, s.ClientURL(), log), connect(t, s.ClientURL(), newLog())
	b := newRecorder("b")
	ta := ha.Join("room", newRecorder("a", "state"))
	hb.Join("room", b)
	b.untilCalls(t, ha.Self(), "joined", "state")
	ta.Publish(make([]byte, 8192))
	b.untilCalls(t, ha.Self(), "joined", "state", "lost 1", "state")
	log.until(t, "maximum payload exceeded")
}

// TestStalledBroker: a broker that does not read delays nobody, and what waits for it is
// bounded and counted.
func TestStalledBroker(t *testing.T) {
	s := startBroker(t, 0)
	relay := startRelay(t, s.Addr().String())
	log := newLog()
	ha, hb := connect(t, "nats://"+relay.addr, log), connect(t, s.ClientURL(), newLog())
	b := newRecorder("b")
	ta := ha.Join("room", newRecorder("a", "state of a"))
	hb.Join("room", b)
	b.untilCalls(t, ha.Self(), "joined", "state of a")
	relay.freeze()
	const messages = 1000
	large := make([]byte, 64<<10)
	for range messages { // 64 MB, of which 8 MiB are kept
		ta.Publish(large)
	}
	relay.end()
	startRelayAt(t, relay.addr, s.Addr().String())
	calls := b.until(t, ha.Self(), "the loss", func(calls []string) bool {
		return b.lostSoFar() > messages/2 && calls[len(calls)-1] == "state of a"
	})
	received := 0
	for _, c := range calls {
		if len(c) == len(large) {
			received++
		}
	}
	if lost := int(b.lostSoFar()); received+lost != messages {
		t.Errorf("%d received, %d lost of %d", received, lost, messages)
	}
}

// TestTwoBrokers: instances at different brokers of a NATS cluster meet, and stay together
// when one broker ends.
func TestTwoBrokers(t *testing.T) {
	first := startRouted(t, nil)
	second := startRouted(t, first)
	log := newLog()
	ha, hb := connect(t, first.ClientURL()+","+second.ClientURL(), log), connect(t, second.ClientURL(), newLog())
	a, b := newRecorder("a", "state of a"), newRecorder("b", "state of b")
	ta, tb := ha.Join("room", a), hb.Join("room", b)
	b.untilCalls(t, ha.Self(), "joined", "state of a")
	a.untilCalls(t, hb.Self(), "joined", "state of b")
	want := []string{"joined", "state of a"}
	for n := range 1000 {
		text := fmt.Sprint(n)
		want = append(want, text)
		if n%2 == 0 {
			ta.Publish([]byte(text))
		} else {
			ta.Send(hb.Self(), []byte(text))
		}
	}
	b.untilCalls(t, ha.Self(), want...)
	first.Shutdown()
	first.WaitForShutdown()
	log.until(t, "out of reach")
	publishUntilReceived(tb, hb, a)
}

// publishUntilReceived publishes again and again, since just after a failure the instances may
// lose sight of each other once more.
func publishUntilReceived(t hub.Topic, from hub.Hub, to *recorder) {
	for !to.hasReceived(from.Self(), "after") {
		t.Publish([]byte("after"))
		to.wait(quick)
	}
}

// startRouted runs a broker of a cluster of brokers.
func startRouted(t *testing.T, other *server.Server) *server.Server {
	t.Helper()
	o := &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true, Cluster: server.ClusterOpts{Name: "brokers", Host: "127.0.0.1", Port: server.RANDOM_PORT}}
	if other != nil {
		o.Routes = server.RoutesFromStr("nats-route://" + other.ClusterAddr().String())
	}
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	run(t, s)
	return s
}

func TestCredentials(t *testing.T) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true, Username: "ann", Password: "hush"})
	if err != nil {
		t.Fatal(err)
	}
	run(t, s)
	addr := s.Addr().String()
	connect(t, "nats://ann:hush@"+addr, newLog())
	for _, url := range []string{"nats://ann:quiet@" + addr, "nats://" + addr, "nats://hush@" + addr} {
		cluster, err := nats.ParseURL(url)
		if err != nil {
			t.Fatal(err)
		}
		h, err := nats.Connect(nats.Options{Cluster: cluster})
		if err == nil {
			h.Close()
			t.Fatalf("%s is let in", url)
		}
		if text := err.Error(); !strings.Contains(text, "refuses this server") || strings.Contains(text, "quiet") || strings.Contains(text, "hush") || strings.Contains(text, "\n") {
			t.Errorf("%q", text)
		}
	}
}

func TestTLS(t *testing.T) {
	web := httptest.NewTLSServer(nil) // has a certificate for 127.0.0.1
	defer web.Close()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true,
		TLS: true, TLSTimeout: 10, TLSConfig: &tls.Config{Certificates: web.TLS.Certificates, MinVersion: tls.VersionTLS12},
	})
	if err != nil {
		t.Fatal(err)
	}
	run(t, s)
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	addr := s.Addr().String()
	recorders := []*recorder{newRecorder("a"), newRecorder("b", "state of b")}
	var hubs []*nats.Hub
	for i, scheme := range []string{"tls://", "nats://"} { // this broker demands TLS of both
		cluster, err := nats.ParseURL(scheme + addr)
		if err != nil {
			t.Fatal(err)
		}
		h, err := nats.Connect(nats.Options{Cluster: cluster, Beat: quick, TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(h.Close)
		h.Join("room", recorders[i])
		hubs = append(hubs, h)
	}
	recorders[0].untilCalls(t, hubs[1].Self(), "joined", "state of b")

	log := newLog()
	connect(t, "tls://"+addr, log)
	log.until(t, "certificate")
	plain := startBroker(t, 0)
	connect(t, "tls://"+plain.Addr().String(), log)
	log.until(t, "does not offer TLS")
}

func run(t *testing.T, s *server.Server) {
	t.Helper()
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("the broker does not start")
	}
}

// TestClustersAreApart: those with other names, and those with other secrets, which are told in
// the log.
func TestClustersAreApart(t *testing.T) {
	url := startBroker(t, 0).ClientURL()
	log := newLog()
	h := connect(t, url+"/one?secret=x", log)
	r := newRecorder("r")
	topic := h.Join("room", r)
	other := connect(t, url+"/two?secret=x", newLog())
	other.Join("room", newRecorder("other"))
	log2 := newLog()
	connect(t, url+"/one?secret=y", log2).Join("room", newRecorder("stranger"))
	log.until(t, "with this cluster's secret")
	log2.until(t, "with this cluster's secret")
	connect(t, url+"/one", newLog()).Join("room", newRecorder("open"))
	friend := connect(t, url+"/one?secret=x", newLog())
	friend.Join("room", newRecorder("friend", "state"))
	r.untilCalls(t, friend.Self(), "joined", "state")
	if !topic.Alone() && len(r.peers()) != 1 {
		t.Errorf("%q are in reach", r.peers())
	}
}

// TestTampering: what is replayed, cut, changed or foreign is refused, and nothing else is
// disturbed.
func TestTampering(t *testing.T) {
	url := startBroker(t, 0).ClientURL()
	log := newLog()
	ha, hb := connect(t, url+"/t?secret=x", newLog()), connect(t, url+"/t?secret=x", log)
	a, b := newRecorder("a", "state"), newRecorder("b")
	liar, err := broker.Connect(url, broker.NoEcho())
	if err != nil {
		t.Fatal(err)
	}
	defer liar.Close()
	copies := make(chan *broker.Msg, 1000)
	if _, err := liar.ChanSubscribe("framescope.t.>", copies); err != nil {
		t.Fatal(err)
	}
	if err := liar.Flush(); err != nil {
		t.Fatal(err)
	}
	ta := ha.Join("room", a)
	hb.Join("room", b)
	b.untilCalls(t, ha.Self(), "joined", "state")
	want := []string{"joined", "state"}
	for n := range 300 {
		text := fmt.Sprint("message ", n)
		ta.Publish([]byte(text))
		want = append(want, text)
		tamper(liar, <-copies, n)
	}
	b.untilCalls(t, ha.Self(), want...)
	log.until(t, "refused")
	if peers := b.peers(); len(peers) != 1 || hb.Alone() {
		t.Errorf("%q are in reach", peers)
	}
}

// tamper sends variants of a message.
func tamper(liar *broker.Conn, m *broker.Msg, n int) {
	send := func(subject string, data []byte) { _ = liar.Publish(subject, data) } // the test notices
	send(m.Subject, m.Data)
	send(m.Subject, m.Data[:n%(len(m.Data)+1)])
	changed := slices.Clone(m.Data)
	changed[n%len(changed)] ^= 1 << (n % 8)
	send(m.Subject, changed)
	send(m.Subject, append(m.Data, "more"...))
	send(m.Subject, nil)
	send(m.Subject, []byte("PING\r\n\x1b[31m"))
	if n%100 == 0 {
		send(m.Subject, make([]byte, 1<<20))
		huge := append(slices.Clone(m.Data), make([]byte, 1<<19)...)
		send(m.Subject, huge)
	}
}

// peers returns those that r was ever told of.
func (r *recorder) peers() (all []hub.Peer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p := range r.calls {
		all = append(all, p)
	}
	return all
}
