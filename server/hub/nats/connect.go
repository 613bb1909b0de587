// Connecting to brokers, and again.

package nats

import (
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	broker "github.com/nats-io/nats.go"
)

// How long a broker has to answer, and how soon it is tried again.
const (
	brokerPing    = time.Second
	writeTimeout  = time.Second
	reconnectWait = 250 * time.Millisecond
)

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
