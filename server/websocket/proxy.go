// Reaching a server through a proxy.

package websocket

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/proxy"
)

// dialProxy opens a tunnel to target, host and port, through a proxy.
func dialProxy(ctx context.Context, p *url.URL, target string) (net.Conn, error) {
	switch p.Scheme {
	case "socks5", "socks5h":
		d, err := proxy.FromURL(p, proxy.Direct)
		if err != nil {
			return nil, err
		}
		return d.(proxy.ContextDialer).DialContext(ctx, "tcp", target)
	case "http", "https":
	default:
		return nil, fmt.Errorf("proxy %s: %w", p.Redacted(), errProxyScheme)
	}
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", address(p))
	if err == nil && p.Scheme == "https" {
		nc, err = encrypt(ctx, nc, p.Hostname(), nil)
	}
	if err != nil {
		return nil, fmt.Errorf("proxy %s: %w", p.Redacted(), err)
	}
	cancel := context.AfterFunc(ctx, func() { nc.SetDeadline(time.Unix(1, 0)) })
	err = tunnel(nc, p.User, target)
	if !cancel() {
		err = context.Cause(ctx)
	}
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("proxy %s: %w", p.Redacted(), err)
	}
	return nc, nil
}

// tunnel asks an HTTP proxy for a connection to target (RFC 9110 9.3.6).
func tunnel(nc net.Conn, user *url.Userinfo, target string) error {
	request := &http.Request{
		Method: http.MethodConnect, URL: &url.URL{Opaque: target}, Host: target, Header: http.Header{},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if user != nil {
		request.Header.Set("Proxy-Authorization", basic(user))
	}
	if err := request.Write(nc); err != nil {
		return fmt.Errorf("ask for a tunnel: %w", err)
	}
	// The other end speaks only when it is spoken to, so nothing stands behind the
	// head that would be lost with this reader.
	reader := bufio.NewReaderSize(nc, maxResponseHead)
	response, err := http.ReadResponse(reader, request)
	switch {
	case err != nil:
		return fmt.Errorf("ask for a tunnel: %w", err)
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("it answers %s", response.Status)
	case reader.Buffered() > 0:
		return errors.New("it sends more than was asked for")
	}
	return nil
}
