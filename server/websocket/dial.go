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
	"strings"
	"time"

	"framescope/protocol"
)

// DialOptions say how to connect. The zero value works.
type DialOptions struct {
	Options
	Subprotocols []string
	Header       http.Header // further fields of the request
	TLS          *tls.Config // for wss
}

// maxResponseHead bounds the server's head in bytes.
const maxResponseHead = 64 << 10

// Dial connects to a ws or wss URL. ctx bounds the handshake, not the
// connection. When the server refuses, the response says how.
func Dial(ctx context.Context, rawURL string, o *DialOptions) (*Conn, *http.Response, error) {
	if o == nil {
		o = &DialOptions{}
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, nil, fmt.Errorf("dial: %w", err)
	}
	nc, err := connect(ctx, u, o.TLS)
	if err != nil {
		return nil, nil, fmt.Errorf("dial %s: %w", u.Host, err)
	}
	cancel := context.AfterFunc(ctx, func() { nc.SetDeadline(time.Unix(1, 0)) })
	c, response, err := shake(nc, u, o)
	if !cancel() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		nc.Close()
		return nil, response, fmt.Errorf("handshake with %s: %w", u.Host, err)
	}
	return c, response, nil
}

// connect opens the transport that the URL's scheme asks for (RFC 6455 3).
func connect(ctx context.Context, u *url.URL, config *tls.Config) (net.Conn, error) {
	port := u.Port()
	switch u.Scheme {
	case "ws":
		if port == "" {
			port = "80"
		}
		var d net.Dialer
		return d.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	case "wss":
		if port == "" {
			port = "443"
		}
		d := tls.Dialer{Config: config}
		return d.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	}
	return nil, errors.New("a WebSocket URL begins with ws:// or wss://")
}

// shake sends the request and checks the answer (RFC 6455 4.1).
func shake(nc net.Conn, u *url.URL, o *DialOptions) (*Conn, *http.Response, error) {
	request := newRequest(u, o)
	if err := request.Write(nc); err != nil {
		return nil, nil, fmt.Errorf("send request: %w", err)
	}
	head := &io.LimitedReader{R: nc, N: maxResponseHead}
	reader := bufio.NewReader(head)
	response, err := http.ReadResponse(reader, request)
	if err != nil {
		return nil, nil, fmt.Errorf("read answer: %w", err)
	}
	if err := protocol.CheckResponse(response.StatusCode, response.Header, request.Header); err != nil {
		return nil, response, err
	}
	buffered, _ := reader.Peek(reader.Buffered())
	c := NewConn(nc, protocol.Client, buffered, o.Options)
	deflate, _ := protocol.AgreedDeflate(request.Header, response.Header)
	c.agree(response.Header.Get("Sec-Websocket-Protocol"), deflate)
	return c, response, nil
}

func newRequest(u *url.URL, o *DialOptions) *http.Request {
	var nonce [16]byte
	rand.Read(nonce[:])
	header := o.Header.Clone()
	if header == nil {
		header = http.Header{}
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
	target.Fragment = ""
	return &http.Request{
		Method: http.MethodGet, URL: &target, Host: u.Host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
}
