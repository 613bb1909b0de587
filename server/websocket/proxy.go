// Reaching a server through a proxy.

package websocket

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/proxy"
)

// dialProxy opens a tunnel to target, host and port, through a proxy. config is for
// one that is reached by TLS.
func dialProxy(ctx context.Context, p *url.URL, target string, config *tls.Config) (net.Conn, error) {
	switch p.Scheme {
	case "socks5", "socks5h":
		return dialSOCKS(ctx, p, target)
	case "http", "https":
	default:
		return nil, fmt.Errorf("proxy %s: %w", p.Redacted(), errProxyScheme)
	}
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", address(p))
	if err == nil && p.Scheme == "https" {
		if config = config.Clone(); config != nil {
			config.ServerName = "" // which is the target's
		}
		nc, err = encrypt(ctx, nc, p.Hostname(), config)
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

// kept keeps the connection that it dials.
type kept struct{ nc net.Conn }

func (k *kept) Dial(network, address string) (net.Conn, error) {
	return k.DialContext(context.Background(), network, address)
}

func (k *kept) DialContext(ctx context.Context, network, address string) (nc net.Conn, err error) {
	k.nc, err = new(net.Dialer).DialContext(ctx, network, address)
	return k.nc, err
}

// dialSOCKS returns the TCP connection itself, without the wrapper that lacks
// CloseWrite: once SOCKS has opened the way (RFC 1928 6), all on it is the target's.
func dialSOCKS(ctx context.Context, p *url.URL, target string) (net.Conn, error) {
	var tcp kept
	d, err := proxy.FromURL(p, &tcp)
	if err != nil {
		return nil, err
	}
	if _, err := d.(proxy.ContextDialer).DialContext(ctx, "tcp", target); err != nil {
		return nil, err
	}
	return tcp.nc, nil
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
	reader := bufio.NewReader(&io.LimitedReader{R: nc, N: maxResponseHead})
	response, err := http.ReadResponse(reader, request)
	switch {
	case err != nil:
		return fmt.Errorf("ask for a tunnel: %w", err)
	case response.StatusCode/100 != 2:
		return fmt.Errorf("it answers %s", response.Status)
	case reader.Buffered() > 0:
		return errors.New("it sends more than was asked for")
	}
	return nil
}
