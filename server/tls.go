// TLS: its flags, and which handler serves what arrives at its port.

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"framescope/server/secure"
)

// tlsConfig is what the flags say of TLS; its zero value is plain HTTP.
type tlsConfig struct {
	cert, key  pemFile
	selfSigned bool
}

// pemFile is a flag whose value is the name of a PEM file.
type pemFile string

func (p *pemFile) String() string { return string(*p) }
func (p *pemFile) Type() string   { return "file" }

// Set implements pflag.Value. An empty name is an error, since without a certificate the server
// would go on with plain HTTP: the variable in the command line was probably not set.
func (p *pemFile) Set(name string) error {
	if name == "" {
		return errors.New("the name is empty: give the name of a PEM file, or leave the flag out")
	}
	*p = pemFile(name)
	return nil
}

func (c *tlsConfig) addFlags(f *pflag.FlagSet) {
	f.Var(&c.cert, "cert", "serve https and wss with the certificate in this PEM `file`, which may have its chain behind it; a new one is used when the file changes")
	f.Var(&c.key, "key", "PEM `file` with the key of --cert, not encrypted")
	f.BoolVar(&c.selfSigned, "tls-self-signed", false, "serve https and wss with a certificate that is made at the start, for localhost, 127.0.0.1, ::1 and the host in --addr; its fingerprint is printed")
}

func (c *tlsConfig) on() bool { return c.selfSigned || c.cert != "" }

func (c *tlsConfig) scheme() string {
	if c.on() {
		return "https"
	}
	return "http"
}

func (c *tlsConfig) check() error {
	switch {
	case c.selfSigned && (c.cert != "" || c.key != ""):
		return errors.New("--tls-self-signed makes its own certificate: leave it out, or --cert and --key")
	case c.cert != "" && c.key == "":
		return errors.New("--cert needs the key of the certificate: add --key FILE")
	case c.key != "" && c.cert == "":
		return errors.New("--key needs a certificate: add --cert FILE")
	}
	return nil
}

// certificate is the server's certificate; its zero value means plain HTTP.
type certificate struct {
	get   func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	files *secure.Files // nil if it is self-signed
}

// watch has the files of the certificate loaded again when they change, until ctx is done.
func (c certificate) watch(ctx context.Context) {
	if c.files != nil {
		c.files.Watch(ctx)
	}
}

// certificate loads the certificate, or makes one and prints its fingerprint.
func (c *tlsConfig) certificate(all *config, stdout io.Writer, log *slog.Logger) (certificate, error) {
	switch {
	case c.cert != "":
		files, err := secure.Load(string(c.cert), string(c.key), log)
		if err != nil {
			return certificate{}, err
		}
		return certificate{files.Certificate, files}, nil
	case c.selfSigned:
		made, err := secure.SelfSigned(all.certificateNames()...)
		if err != nil {
			return certificate{}, err
		}
		fmt.Fprintf(stdout, "self-signed certificate, valid until %s, SHA-256 fingerprint %s\n", made.Leaf.NotAfter.Format(time.DateOnly), secure.Fingerprint(made))
		get := func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return made, nil }
		return certificate{get: get}, nil
	}
	return certificate{}, nil
}

// certificateNames returns the names and addresses by which clients reach the server.
func (c *config) certificateNames() []string {
	host, _, _ := net.SplitHostPort(c.addr)
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		return c.hosts
	}
	return append([]string{host}, c.hosts...)
}

// serveConnections serves the connections of l until that is closed: HTTP or, with a certificate,
// TLS. The first error that it reports is why it ended.
func (s *server) serveConnections(l net.Listener, c certificate, h *http.Server) (failed <-chan error) {
	errs := make(chan error, 3)
	if c.get == nil {
		go func() { errs <- h.Serve(s.tap.Listener(l)) }()
		return errs
	}
	listener := secure.Listen(l, secure.Options{
		Certificate: c.get,
		HTTP2:       true,
		Timeout:     s.config.headerTimeout,
		Memory:      s.requests,
		Log:         s.log,
	})
	go func() { errs <- h.Serve(s.tap.Listener(listener.HTTP1)) }()
	go func() { errs <- h.Serve(listener.HTTP2) }()
	// It ends when listener is closed, as h is shut down.
	plain := &http.Server{
		Handler:           s.ownHost(http.HandlerFunc(toHTTPS)),
		ReadHeaderTimeout: s.config.headerTimeout,
		ReadTimeout:       s.config.headerTimeout,
		WriteTimeout:      s.config.headerTimeout,
		MaxHeaderBytes:    maxPlainHeaderBytes,
		ErrorLog:          httpLog(s.log),
	}
	plain.SetKeepAlivesEnabled(false)
	go func() {
		err := plain.Serve(listener.Plain)
		_ = plain.Close()
		errs <- err
	}()
	return errs
}

// maxPlainHeaderBytes is the largest head of a request without TLS at the port of TLS. It counts as
// little, since all of these are answered with a line.
const maxPlainHeaderBytes = 8 << 10

// toHTTPS answers a request that came without TLS. Pages and files are redirected; a WebSocket
// cannot be, since browsers follow no redirect of a handshake, and neither should a request with a
// body, which has crossed the network in the clear already.
func toHTTPS(w http.ResponseWriter, r *http.Request) {
	target := url.URL{Scheme: "https", Host: r.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	socket := strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
	switch {
	case socket:
		target.Scheme = "wss"
		http.Error(w, "400 bad request: this port serves TLS only; connect to "+target.String(), http.StatusBadRequest)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		// Browsers keep a permanent redirect, and the next server at this port may have no TLS.
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, target.String(), http.StatusPermanentRedirect)
	default:
		http.Error(w, "400 bad request: this port serves TLS only; send it to "+target.String(), http.StatusBadRequest)
	}
}
