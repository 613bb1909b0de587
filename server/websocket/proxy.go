// Reaching a server through a proxy.

package websocket

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/proxy"
)

// dialProxy opens a connection to target, host and port, through a proxy.
func dialProxy(ctx context.Context, p *url.URL, target string, o *DialOptions) (nc net.Conn, err error) {
	switch p.Scheme {
	case "socks5", "socks5h":
		nc, err = dialSOCKS(ctx, p, target, o)
	case "http", "https":
		nc, err = dialTunnel(ctx, p, target, o)
	default:
		err = errProxyScheme
	}
	if err != nil {
		return nil, fmt.Errorf("reach %s through the proxy %s: %w", target, p.Redacted(), err)
	}
	return nc, nil
}

var errProxyScheme = errors.New("a proxy's URL begins with http://, https:// or socks5://")

// dialTunnel opens a connection to target through an HTTP proxy.
func dialTunnel(ctx context.Context, p *url.URL, target string, o *DialOptions) (net.Conn, error) {
	nc, err := dialTCP(ctx, address(p), o)
	if err != nil {
		return nil, err
	}
	if p.Scheme == "https" {
		config := o.TLS.Clone()
		if config != nil {
			config.ServerName = "" // it is the target's
		}
		if nc, err = encrypt(ctx, nc, p.Hostname(), config); err != nil {
			return nil, err
		}
	}
	stop := context.AfterFunc(ctx, func() { nc.SetDeadline(time.Unix(1, 0)) })
	err = tunnel(nc, p.User, target)
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	return nc, nil
}

// recordingDialer keeps the connection that it has dialled.
type recordingDialer struct {
	options *DialOptions
	nc      net.Conn
}

func (d *recordingDialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

func (d *recordingDialer) DialContext(ctx context.Context, _, address string) (nc net.Conn, err error) {
	d.nc, err = dialTCP(ctx, address, d.options)
	return d.nc, err
}

// dialSOCKS returns the TCP connection itself, without the wrapper that lacks
// CloseWrite: after the SOCKS handshake (RFC 1928 6) all its bytes are the target's.
func dialSOCKS(ctx context.Context, p *url.URL, target string, o *DialOptions) (net.Conn, error) {
	tcp := recordingDialer{options: o}
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
	// The server sends nothing before the client's handshake, so no bytes behind the head
	// are lost with this reader.
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
