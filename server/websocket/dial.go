// The client's side of the opening handshake.

package websocket

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"framescope/protocol"
)

// DialOptions say how to connect. The zero value works.
type DialOptions struct {
	Options
	// Subprotocols are offered to the server in this order.
	Subprotocols []string
	// Header has further fields of the request, such as Authorization, Cookie or Origin.
	// With fields that the handshake sets itself, or that no request may have, Dial fails
	// with [ErrRequest].
	Header http.Header
	// Host, if not empty, is sent as the Host field instead of the URL's host. The connection
	// is still made to the URL's host, and TLS checks the name of that.
	Host string
	// DialContext, if not nil, opens the network connection, to the server or its proxy:
	// over a Unix socket, for instance, or from a given address.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// TLS is for wss, and for a proxy reached by TLS.
	TLS *tls.Config
	// Proxy returns the URL of the proxy for a request, or nil for none. If Proxy is nil,
	// [http.ProxyFromEnvironment] is used; [NoProxy] is for no proxy.
	Proxy func(*http.Request) (*url.URL, error)
	// Wrap, if not nil, is called with the network connection, above TLS, and returns the one
	// that is used instead: for instance one that shows the handshake and all frames. Over
	// HTTP/2 it is called with the stream, once the handshake is over.
	Wrap func(net.Conn) net.Conn
	// HTTP2, if not nil, opens the WebSocket over HTTP/2, on a TCP connection that it shares
	// with those of other Dials. If the server cannot, Dial fails with [ErrHTTP2].
	HTTP2 *HTTP2
}

// NoProxy chooses no proxy; it is for [DialOptions.Proxy].
func NoProxy(*http.Request) (*url.URL, error) { return nil, nil }

// maxResponseHead bounds the server's head in bytes.
const maxResponseHead = 64 << 10

// Dial connects to a ws or wss URL; o may be nil. ctx limits the handshake, not the
// connection. When the server refuses, the response says how, without its body. Redirects
// are not followed.
func Dial(ctx context.Context, rawURL string, o *DialOptions) (*Conn, *http.Response, error) {
	if o == nil {
		o = &DialOptions{}
	}
	u, err := parseURL(rawURL)
	if err != nil {
		return nil, nil, fmt.Errorf("dial: %w", err)
	}
	request, err := newRequest(u, o)
	if err != nil {
		return nil, nil, fmt.Errorf("dial: %w", err)
	}
	if o.HTTP2 != nil {
		return o.HTTP2.dial(ctx, request, o)
	}
	nc, err := connect(ctx, request, o)
	if err != nil {
		return nil, nil, err // which begins with what was tried
	}
	if o.Wrap != nil {
		nc = o.Wrap(nc)
	}
	stop := context.AfterFunc(ctx, func() { nc.SetDeadline(time.Unix(1, 0)) })
	c, response, err := openingHandshake(nc, request, o)
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		nc.Close()
		return nil, response, fmt.Errorf("handshake with %s: %w", u.Host, err)
	}
	return c, response, nil
}

// parseURL keeps to RFC 6455 3.
func parseURL(rawURL string) (*url.URL, error) {
	u, err := url.Parse(rawURL)
	switch {
	case err != nil:
		return nil, err
	case u.Scheme != "ws" && u.Scheme != "wss" || u.Opaque != "":
		return nil, fmt.Errorf("%q is not a WebSocket URL, which begins with ws:// or wss://", rawURL)
	case u.Hostname() == "":
		return nil, fmt.Errorf("%q names no host", rawURL)
	case u.Fragment != "" || strings.Contains(rawURL, "#"):
		return nil, fmt.Errorf("%q has a fragment, which is not allowed in a WebSocket URL: write # as %%23 (RFC 6455 3)", rawURL)
	}
	return u, nil
}

// openingHandshake sends the request and checks the response (RFC 6455 4.1).
func openingHandshake(nc net.Conn, request *http.Request, o *DialOptions) (*Conn, *http.Response, error) {
	if err := request.Write(nc); err != nil {
		return nil, nil, fmt.Errorf("send request: %w", err)
	}
	reader := bufio.NewReader(&io.LimitedReader{R: nc, N: maxResponseHead})
	response, err := http.ReadResponse(reader, request)
	for err == nil && protocol.Interim(response.StatusCode) {
		response, err = http.ReadResponse(reader, request)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read answer: %w", err)
	}
	if err := protocol.CheckResponse(response.StatusCode, response.Header, request.Header); err != nil {
		nc.SetReadDeadline(time.Now().Add(reasonTime)) // its body may never come
		return nil, response, refused(response, err)
	}
	buffered, _ := reader.Peek(reader.Buffered())
	c := NewConn(nc, protocol.Client, buffered, o.Options)
	deflate, _ := protocol.AgreedDeflate(request.Header, response.Header)
	c.agree(response.Header.Get("Sec-Websocket-Protocol"), deflate.WithClientLimits(o.Compression.wishes(protocol.Client)))
	return c, response, nil
}

// How much of a refusal's body is read, in bytes, and for how long.
const (
	longestReason = 200
	reasonTime    = time.Second
)

// refused adds the reason that the server gives, the first line of a body that is text.
func refused(response *http.Response, why error) error {
	if protocol.Accepts(response.StatusCode, response.Request.Header) || !strings.HasPrefix(response.Header.Get("Content-Type"), "text/plain") {
		return why
	}
	body, _ := io.ReadAll(io.LimitReader(response.Body, longestReason))
	line, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
	if line == "" {
		return why
	}
	return fmt.Errorf("%w: it says %q", why, line)
}

func newRequest(u *url.URL, o *DialOptions) (*http.Request, error) {
	var nonce [16]byte
	rand.Read(nonce[:])
	header := o.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if err := checkRequestFields(header); err != nil {
		return nil, err
	}
	if err := checkSubprotocols(o.Subprotocols); err != nil {
		return nil, err
	}
	if err := checkHost(o.Host); err != nil {
		return nil, err
	}
	if u.User != nil && header.Get("Authorization") == "" {
		header.Set("Authorization", basic(u.User))
	}
	if len(header.Values("User-Agent")) == 0 {
		header.Set("User-Agent", "") // so that net/http adds none of its own
	}
	header.Set("Upgrade", "websocket")
	header.Set("Connection", "Upgrade")
	header.Set("Sec-Websocket-Key", base64.StdEncoding.EncodeToString(nonce[:]))
	header.Set("Sec-Websocket-Version", protocol.Version)
	if len(o.Subprotocols) > 0 {
		header.Set("Sec-Websocket-Protocol", strings.Join(o.Subprotocols, ", "))
	}
	if offer := o.Compression.wishes(protocol.Client).Offer(); offer != "" {
		header.Set("Sec-Websocket-Extensions", offer)
	}
	host := u.Host
	if o.Host != "" {
		host = o.Host
	}
	target := *u
	target.Scheme = strings.Replace(u.Scheme, "ws", "http", 1)
	target.User = nil
	return &http.Request{
		Method: http.MethodGet, URL: &target, Host: host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

func basic(user *url.Userinfo) string {
	password, _ := user.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password))
}

// connect opens the network connection for the request's URL. Its errors say what was tried.
func connect(ctx context.Context, request *http.Request, o *DialOptions) (net.Conn, error) {
	through := o.Proxy
	if through == nil {
		through = http.ProxyFromEnvironment
	}
	proxy, err := through(request)
	if err != nil {
		return nil, fmt.Errorf("choose a proxy for %s: %w", request.URL.Host, err)
	}
	target := address(request.URL)
	var nc net.Conn
	if proxy == nil {
		nc, err = dialTCP(ctx, target, o)
	} else {
		nc, err = dialProxy(ctx, proxy, target, o)
	}
	if err != nil || request.URL.Scheme != "https" {
		return nc, err
	}
	return encrypt(ctx, nc, request.URL.Hostname(), o.TLS)
}

// dialTCP opens a connection as the options say.
func dialTCP(ctx context.Context, target string, o *DialOptions) (net.Conn, error) {
	dial := o.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	nc, err := dial(ctx, "tcp", target)
	var op *net.OpError
	if err == nil || errors.As(err, &op) && op.Op == "dial" {
		return nc, err // the error already says what was dialled
	}
	return nil, fmt.Errorf("dial %s: %w", target, err)
}

// address returns host and port of a URL; the default port of its scheme if it has none.
func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "https" {
			port = "443"
		}
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// encrypt does the TLS handshake with a host.
func encrypt(ctx context.Context, nc net.Conn, host string, config *tls.Config) (net.Conn, error) {
	if config = config.Clone(); config == nil {
		config = &tls.Config{}
	}
	if config.ServerName == "" {
		config.ServerName = host
	}
	t := tls.Client(nc, config)
	if err := t.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, fmt.Errorf("TLS handshake with %s: %w", host, err)
	}
	return t, nil
}
