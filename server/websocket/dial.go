// The client's side of the handshake.

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
	"slices"
	"strings"
	"time"

	"framescope/protocol"
)

// DialOptions say how to connect. The zero value works.
type DialOptions struct {
	Options
	Subprotocols []string
	// Header has further fields of the request. Those of the handshake itself are
	// not for the caller: with them, or what is no field, Dial returns ErrRequest.
	Header http.Header
	TLS    *tls.Config // for wss, and for a proxy reached by TLS
	// Proxy says by which proxy a request goes; nil asks the environment, as
	// http.ProxyFromEnvironment does, and NoProxy says none.
	Proxy func(*http.Request) (*url.URL, error)
	// Wrap sees what crosses the connection, handshake and frames, above TLS.
	Wrap func(net.Conn) net.Conn
}

// NoProxy is for [DialOptions.Proxy].
func NoProxy(*http.Request) (*url.URL, error) { return nil, nil }

// maxResponseHead bounds the server's head in bytes.
const maxResponseHead = 64 << 10

// Dial connects to a ws or wss URL. ctx bounds the handshake, not the
// connection. When the server refuses, the response says how. Redirects are not
// followed.
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
	nc, err := connect(ctx, request, o)
	if err != nil {
		return nil, nil, fmt.Errorf("dial %s: %w", u.Host, err)
	}
	if o.Wrap != nil {
		nc = o.Wrap(nc)
	}
	cancel := context.AfterFunc(ctx, func() { nc.SetDeadline(time.Unix(1, 0)) })
	c, response, err := shake(nc, request, o)
	if !cancel() {
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
		return nil, fmt.Errorf("%q is no WebSocket URL: it begins with ws:// or wss://", rawURL)
	case u.Hostname() == "":
		return nil, fmt.Errorf("%q names no host", rawURL)
	case u.Fragment != "" || strings.Contains(rawURL, "#"):
		return nil, fmt.Errorf("%q has a fragment, which a WebSocket URL must not have: write # as %%23 (RFC 6455 3)", rawURL)
	}
	return u, nil
}

// shake sends the request and checks the answer (RFC 6455 4.1).
func shake(nc net.Conn, request *http.Request, o *DialOptions) (*Conn, *http.Response, error) {
	if err := request.Write(nc); err != nil {
		return nil, nil, fmt.Errorf("send request: %w", err)
	}
	reader := bufio.NewReader(&io.LimitedReader{R: nc, N: maxResponseHead})
	response, err := http.ReadResponse(reader, request)
	for err == nil && Interim(response.StatusCode) {
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

// Interim reports whether another answer follows one with this status (RFC 9110 15.2).
func Interim(status int) bool {
	return status >= 100 && status < 200 && status != http.StatusSwitchingProtocols
}

// How much of a refusal's body is said again, in bytes, and how long it is waited for.
const (
	longestReason = 200
	reasonTime    = time.Second
)

// refused adds what the server says about its refusal: the first line of a body
// that is text.
func refused(response *http.Response, why error) error {
	if response.StatusCode == http.StatusSwitchingProtocols || !strings.HasPrefix(response.Header.Get("Content-Type"), "text/plain") {
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
	if err := checkFields(header); err != nil {
		return nil, err
	}
	if err := checkSubprotocols(o.Subprotocols); err != nil {
		return nil, err
	}
	if u.User != nil && header.Get("Authorization") == "" {
		header.Set("Authorization", basic(u.User))
	}
	if len(header.Values("User-Agent")) == 0 {
		header.Set("User-Agent", "") // none, not net/http's
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
	target := *u
	target.Scheme = strings.Replace(u.Scheme, "ws", "http", 1)
	target.User = nil
	return &http.Request{
		Method: http.MethodGet, URL: &target, Host: u.Host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

// ErrRequest is what a handshake's request can not be made of: fields or subprotocols.
// Nothing has been sent then.
var ErrRequest = errors.New("no request can be made")

func checkFields(header http.Header) error {
	for name, values := range header {
		switch canonical := http.CanonicalHeaderKey(name); {
		case !protocol.IsToken(name):
			return fmt.Errorf("%w: %q is no name of a field (RFC 9110 5.1)", ErrRequest, name)
		case strings.HasPrefix(canonical, "Sec-Websocket-") || canonical == "Upgrade" || canonical == "Connection" || canonical == "Host":
			return fmt.Errorf("%w: the field %s is made by the handshake itself", ErrRequest, canonical)
		}
		for _, value := range values {
			if strings.ContainsFunc(value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7F }) {
				return fmt.Errorf("%w: the field %s has a character that none may have: %q (RFC 9110 5.5)", ErrRequest, name, value)
			}
		}
	}
	return nil
}

// checkSubprotocols keeps to RFC 6455 4.1: tokens, each once.
func checkSubprotocols(names []string) error {
	for i, name := range names {
		if !protocol.IsToken(name) {
			return fmt.Errorf("%w: the subprotocol %q is no token: letters, digits and !#$%%&'*+-.^_`|~ only (RFC 6455 4.1)", ErrRequest, name)
		}
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("%w: the subprotocol %q is offered twice (RFC 6455 4.1)", ErrRequest, name)
		}
	}
	return nil
}

func basic(user *url.Userinfo) string {
	password, _ := user.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password))
}

// connect opens the transport that the request's URL asks for.
func connect(ctx context.Context, request *http.Request, o *DialOptions) (net.Conn, error) {
	through := o.Proxy
	if through == nil {
		through = http.ProxyFromEnvironment
	}
	proxy, err := through(request)
	if err != nil {
		return nil, fmt.Errorf("choose a proxy: %w", err)
	}
	target := address(request.URL)
	var nc net.Conn
	if proxy == nil {
		nc, err = new(net.Dialer).DialContext(ctx, "tcp", target)
	} else {
		nc, err = dialProxy(ctx, proxy, target, o.TLS)
	}
	if err != nil || request.URL.Scheme != "https" {
		return nc, err
	}
	return encrypt(ctx, nc, request.URL.Hostname(), o.TLS)
}

// address is host and port of a URL, whose scheme has a usual port.
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
		return nil, err
	}
	return t, nil
}

var errProxyScheme = errors.New("a proxy's URL begins with http://, https:// or socks5://")
