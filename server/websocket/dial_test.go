// Dialling: proxies, TLS, deadlines, and what is refused before and after.

package websocket_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

// greeter is a server that says what it was asked with.
func greeter(t *testing.T, secure bool) (address string, config *tls.Config) {
	t.Helper()
	s := &websocket.Server{}
	h := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said := fmt.Sprint(r.Header.Get("X-Asked"), r.Header["Authorization"], r.Header["User-Agent"])
		_ = s.Handle(w, r, nil, func(c *websocket.Conn) {
			c.WriteMessage(protocol.OpText, []byte(said))
			c.ReadMessage()
		})
	}))
	t.Cleanup(func() { s.Shutdown(context.Background()) })
	t.Cleanup(h.Close)
	config = start(h, secure)
	return strings.Replace(h.URL, "http", "ws", 1), config
}

// start starts a server and returns what a client needs to trust it.
func start(h *httptest.Server, secure bool) *tls.Config {
	if !secure {
		h.Start()
		return nil
	}
	h.StartTLS()
	pool := x509.NewCertPool()
	pool.AddCert(h.Certificate())
	return &tls.Config{RootCAs: pool}
}

// hearing dials and returns the first message.
func hearing(t *testing.T, address string, o *websocket.DialOptions) string {
	t.Helper()
	c, _, err := websocket.Dial(t.Context(), address, o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	_, p, err := c.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	return string(p)
}

func TestDialSendsWhatItIsGiven(t *testing.T) {
	address, _ := greeter(t, false)
	withUser := strings.Replace(address, "ws://", "ws://ann:secret@", 1)
	o := &websocket.DialOptions{Header: http.Header{"X-Asked": {"yes"}}}
	if got := hearing(t, withUser, o); got != "yes[Basic YW5uOnNlY3JldA==] []" {
		t.Errorf("the server saw %q", got)
	}
	if len(o.Header) != 1 {
		t.Errorf("the caller's fields have become %v", o.Header)
	}
}

func TestDialTLS(t *testing.T) {
	address, config := greeter(t, true)
	hearing(t, address, &websocket.DialOptions{TLS: config})
	if _, _, err := websocket.Dial(t.Context(), address, nil); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody vouches for: %v", err)
	}
}

// connectProxy opens tunnels for clients that know the password, and counts them.
func connectProxy(t *testing.T, secure bool) (u *url.URL, config *tls.Config, tunnels *int) {
	t.Helper()
	tunnels = new(int)
	h := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Header.Get("Proxy-Authorization") != "Basic cDp3" {
			http.Error(w, "no", http.StatusProxyAuthRequired)
			return
		}
		*tunnels++
		to, err := net.Dial("tcp", r.Host)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		from, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprintf(from, "HTTP/1.1 %d Through\r\n\r\n", 199+*tunnels) // any 2xx will do
		go func() { io.Copy(to, from); to.Close() }()
		io.Copy(from, to)
		from.Close()
	}))
	t.Cleanup(h.Close)
	config = start(h, secure)
	u, _ = url.Parse(h.URL)
	return u, config, tunnels
}

func TestDialThroughAProxy(t *testing.T) {
	proxy, _, tunnels := connectProxy(t, false)
	proxy.User = url.UserPassword("p", "w")
	through := func(*http.Request) (*url.URL, error) { return proxy, nil }
	plainAddress, _ := greeter(t, false)
	hearing(t, plainAddress, &websocket.DialOptions{Proxy: through})
	secureAddress, config := greeter(t, true)
	hearing(t, secureAddress, &websocket.DialOptions{Proxy: through, TLS: config})
	if *tunnels != 2 {
		t.Errorf("%d tunnels", *tunnels)
	}
	proxy.User = nil
	if _, _, err := websocket.Dial(t.Context(), plainAddress, &websocket.DialOptions{Proxy: through}); err == nil || !strings.Contains(err.Error(), "407 Proxy Authentication Required") {
		t.Errorf("without the password: %v", err)
	}
	for proxy, says := range map[string]string{"ftp://127.0.0.1": "begins with http://", "http://127.0.0.1:1": "connection refused", "socks5://127.0.0.1:1": "connection refused"} {
		u, _ := url.Parse(proxy)
		_, _, err := websocket.Dial(t.Context(), plainAddress, &websocket.DialOptions{Proxy: http.ProxyURL(u)})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("through %s: %v, want %q", proxy, err, says)
		}
	}
}

// A proxy whose answer never ends is left in time, and does not fill the memory.
func TestDialThroughAProxyThatNeverEnds(t *testing.T) {
	over := make(chan struct{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		io.WriteString(nc, "HTTP/1.1 200 OK\r\n")
		for err == nil {
			_, err = io.WriteString(nc, "X-More: "+strings.Repeat("x", 1000)+"\r\n")
		}
		close(over)
	}()
	_, _, err = websocket.Dial(t.Context(), "ws://example.test/", &websocket.DialOptions{Proxy: func(*http.Request) (*url.URL, error) {
		return &url.URL{Scheme: "http", Host: l.Addr().String()}, nil
	}})
	if err == nil || !strings.Contains(err.Error(), "ask for a tunnel") {
		t.Errorf("through an endless answer: %v", err)
	}
	<-over
}

func TestDialThroughSOCKS(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		from, err := l.Accept()
		if err != nil {
			return
		}
		defer from.Close()
		var b [256]byte
		io.ReadFull(from, b[:3]) // version, one method, none
		from.Write([]byte{5, 0})
		io.ReadFull(from, b[:10]) // version, connect, reserved, IPv4, address, port
		to, err := net.Dial("tcp", fmt.Sprintf("%d.%d.%d.%d:%d", b[4], b[5], b[6], b[7], int(b[8])<<8|int(b[9])))
		if err != nil {
			return
		}
		defer to.Close()
		from.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		go io.Copy(to, from)
		io.Copy(from, to)
	}()
	address, _ := greeter(t, false)
	var through net.Conn
	o := &websocket.DialOptions{Proxy: http.ProxyURL(&url.URL{Scheme: "socks5", Host: l.Addr().String()}), Wrap: func(nc net.Conn) net.Conn { through = nc; return nc }}
	hearing(t, address, o)
	if _, ok := through.(*net.TCPConn); !ok {
		t.Errorf("the connection is a %T, that cannot be closed by halves", through)
	}
}

// A proxy reached by TLS has its own name and certificate.
func TestDialThroughASecureProxy(t *testing.T) {
	proxy, config, tunnels := connectProxy(t, true)
	proxy.User = url.UserPassword("p", "w")
	address, _ := greeter(t, false)
	config.ServerName = "the.target"
	through := &websocket.DialOptions{Proxy: http.ProxyURL(proxy), TLS: config}
	hearing(t, address, through)
	through.TLS = nil
	if _, _, err := websocket.Dial(t.Context(), address, through); err == nil || !strings.Contains(err.Error(), "certificate") || *tunnels != 1 {
		t.Errorf("a certificate that nobody vouches for, after %d tunnels: %v", *tunnels, err)
	}
}

func TestDialRefuses(t *testing.T) {
	for address, says := range map[string]string{
		"http://x/":     "begins with ws://",
		"ws:///x":       "names no host",
		"ws://x/#a":     "fragment",
		"ws://x:port/":  "invalid port",
		"://":           "missing protocol scheme",
		"ws:x":          "begins with ws://",
		"ws://[::1":     "missing ']'",
		"wss://x:99999": "invalid port",
	} {
		if _, _, err := websocket.Dial(t.Context(), address, nil); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", address, err, says)
		}
	}
	for _, field := range []string{"Upgrade", "Connection", "Sec-Websocket-Key", "Host"} {
		_, _, err := websocket.Dial(t.Context(), "ws://127.0.0.1:1", &websocket.DialOptions{Header: http.Header{field: {"x"}}})
		if !errors.Is(err, websocket.ErrRequest) || !strings.Contains(err.Error(), field) {
			t.Errorf("with a %s of the caller's: %v", field, err)
		}
	}
	for says, o := range map[string]websocket.DialOptions{
		`the field X has a character that is not allowed: "a\r\nY: b"`: {Header: http.Header{"X": {"ok", "a\r\nY: b"}}},
		`the field X has a character that is not allowed: "\x00"`:      {Header: http.Header{"X": {"\x00"}}},
		`"A b" is not a field name`:                                    {Header: http.Header{"A b": {"x"}}},
		`"" is not a field name`:                                       {Header: http.Header{"": {"x"}}},
		`the subprotocol "a,b" is not a token`:                         {Subprotocols: []string{"c", "a,b"}},
		`the subprotocol "" is not a token`:                            {Subprotocols: []string{""}},
		`the subprotocol "c" is offered twice`:                         {Subprotocols: []string{"c", "d", "c"}},
	} {
		_, _, err := websocket.Dial(t.Context(), "ws://127.0.0.1:1", &o)
		if !errors.Is(err, websocket.ErrRequest) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %s", err, says)
		}
	}
}

func TestDialErrorsSayOnceWhatWasTried(t *testing.T) {
	failing := func(err error) func(context.Context, string, string) (net.Conn, error) {
		return func(context.Context, string, string) (net.Conn, error) { return nil, err }
	}
	secure, _ := greeter(t, true)
	host := strings.TrimPrefix(secure, "wss://")
	proxied := http.ProxyURL(&url.URL{Scheme: "http", Host: "127.0.0.1:1"})
	for _, test := range []struct {
		address string
		options websocket.DialOptions
		says    string
	}{
		{"ws://127.0.0.1:1/", websocket.DialOptions{Proxy: websocket.NoProxy}, "dial tcp 127.0.0.1:1: connect: connection refused"},
		{"ws://a.example/", websocket.DialOptions{DialContext: failing(errors.New("no way"))}, "dial a.example:80: no way"},
		{secure, websocket.DialOptions{}, "TLS handshake with 127.0.0.1: tls: failed to verify certificate: x509: certificate signed by unknown authority"},
		{"ws://a.example/", websocket.DialOptions{Proxy: proxied}, "reach a.example:80 through the proxy http://127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused"},
		{strings.Replace(secure, "wss", "ws", 1), websocket.DialOptions{}, "handshake with " + host + ": protocol: the status should be 101, but the server answered with status 400 (RFC 6455 4.1)"},
	} {
		_, _, err := websocket.Dial(t.Context(), test.address, &test.options)
		if err == nil || !strings.HasPrefix(err.Error(), test.says) {
			t.Errorf("%s: %v, want %q", test.address, err, test.says)
		}
	}
}

func TestDialWithItsOwnDialler(t *testing.T) {
	address, _ := greeter(t, false)
	var dialled []string
	o := &websocket.DialOptions{Proxy: websocket.NoProxy, Host: "localhost:1"}
	o.DialContext = func(ctx context.Context, network, to string) (net.Conn, error) {
		dialled = append(dialled, network+" "+to)
		return new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(address, "ws://"))
	}
	hearing(t, "ws://elsewhere.example/", o)
	proxy, _, tunnels := connectProxy(t, false)
	proxy.User = url.UserPassword("p", "w")
	o.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.example", User: proxy.User})
	o.DialContext = func(ctx context.Context, network, to string) (net.Conn, error) {
		dialled = append(dialled, network+" "+to)
		return new(net.Dialer).DialContext(ctx, network, proxy.Host)
	}
	hearing(t, address, o)
	if got := strings.Join(dialled, ", "); got != "tcp elsewhere.example:80, tcp proxy.example:80" || *tunnels != 1 {
		t.Errorf("dialled %s", got)
	}
}

func TestDialHost(t *testing.T) {
	hosts := make(chan string, 1)
	h := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { hosts <- r.Host }))
	defer h.Close()
	address := strings.Replace(h.URL, "http", "ws", 1)
	for host, want := range map[string]string{"": strings.TrimPrefix(h.URL, "http://"), "app.example": "app.example", "[::1]:8080": "[::1]:8080"} {
		if _, response, _ := websocket.Dial(t.Context(), address, &websocket.DialOptions{Host: host}); response == nil {
			t.Errorf("%q: no response", host)
		} else if got := <-hosts; got != want {
			t.Errorf("%q: the server sees %q", host, got)
		}
	}
	for _, host := range []string{"a b", "a\r\nX: y", "a/b", "user@a", "ä.example", "a\x00"} {
		if _, _, err := websocket.Dial(t.Context(), address, &websocket.DialOptions{Host: host}); !errors.Is(err, websocket.ErrRequest) {
			t.Errorf("%q: %v", host, err)
		}
	}
}

func TestDialPassesInterimAnswers(t *testing.T) {
	const final = "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n\x81\x02hi"
	for _, interim := range []string{"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 x\r\n\r\n"} {
		address := answering(t, func(key string, nc net.Conn) {
			fmt.Fprintf(nc, interim+final, key)
			io.Copy(io.Discard, nc)
		})
		if got := hearing(t, address, nil); got != "hi" {
			t.Errorf("after %q: %q", interim, got)
		}
	}
	address := answering(t, func(_ string, nc net.Conn) { // and never an end
		for {
			if _, err := io.WriteString(nc, "HTTP/1.1 103 x\r\nX: "+strings.Repeat("y", 1000)+"\r\n\r\n"); err != nil {
				return
			}
		}
	})
	if _, _, err := websocket.Dial(t.Context(), address, nil); err == nil || !strings.Contains(err.Error(), "read answer") {
		t.Errorf("interim answers without end: %v", err)
	}
}

// answering serves one connection with an answer written by hand.
func answering(t *testing.T, answer func(key string, nc net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		r, err := http.ReadRequest(bufio.NewReader(nc))
		if err != nil {
			return
		}
		answer(protocol.AcceptKey(r.Header.Get("Sec-Websocket-Key")), nc)
	}()
	return "ws://" + l.Addr().String()
}

func TestDialChecksTheAnswer(t *testing.T) {
	const good = "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n"
	for answer, says := range map[string]string{
		"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n":      "should be 101, but the server answered with status 302",
		"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n": "Sec-WebSocket-Accept should be",
		"HTTP/1.1 101 x\r\nConnection: Upgrade\r\n\r\n":                       "lacks Upgrade",
		good + "Sec-WebSocket-Protocol: x\r\n\r\n":                            "subprotocol that was not offered",
		good + "Sec-WebSocket-Extensions: x\r\n\r\n":                          "extension that was not offered",
		good + "Sec-WebSocket-Extensions: permessage-deflate; x\r\n\r\n":      "parameters of permessage-deflate",
		"nonsense\r\n\r\n": "malformed HTTP",
		"HTTP/1.1 101 x\r\nX: " + strings.Repeat("x", 70_000) + "\r\n\r\n": "unexpected EOF",
	} {
		address := answering(t, func(key string, nc net.Conn) {
			if strings.Contains(answer, "%s") {
				answer = fmt.Sprintf(answer, key)
			}
			io.WriteString(nc, answer)
			io.Copy(io.Discard, nc)
		})
		if _, _, err := websocket.Dial(t.Context(), address, nil); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.60q: %v, want %q", answer, err, says)
		}
	}
}

func TestDialIsCancelled(t *testing.T) {
	asked := make(chan struct{})
	address := answering(t, func(_ string, nc net.Conn) {
		close(asked)
		io.Copy(io.Discard, nc) // and no answer
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	if _, _, err := websocket.Dial(ctx, address, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestFramesBehindTheHeadArrive(t *testing.T) {
	address := answering(t, func(key string, nc net.Conn) {
		fmt.Fprintf(nc, "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n\x81\x05early", key)
		io.Copy(io.Discard, nc)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var seen strings.Builder
	c, _, err := websocket.Dial(ctx, address, &websocket.DialOptions{Wrap: func(nc net.Conn) net.Conn { return &tee{nc, &seen} }})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if _, p, err := c.ReadMessage(); string(p) != "early" || err != nil {
		t.Errorf("%q, %v", p, err)
	}
	if !strings.HasPrefix(seen.String(), "HTTP/1.1 101") || !strings.HasSuffix(seen.String(), "early") {
		t.Errorf("the wrapped connection saw %q", seen.String())
	}
}

// tee keeps what is read.
type tee struct {
	net.Conn
	seen *strings.Builder
}

func (t *tee) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	t.seen.Write(b[:n])
	return n, err
}
