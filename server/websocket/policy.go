// Which requests are served: the checks of Host and Origin.

package websocket

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"framescope/protocol"
)

// Policy says which requests are served. Its zero value serves a request whose
// Host is localhost, a loopback address or the address that it came in at, and
// whose Origin, if there is one, is that same host, with https if the request came over TLS.
type Policy struct {
	// Hosts are further host names, without port, that a Host field may have. In
	// *.app.example the star stands for one or more labels: a.app.example and
	// b.a.app.example are allowed, app.example is not. A star anywhere else matches
	// nothing.
	Hosts []string
	// CheckHost, if not nil, is called for a request whose Host is not allowed otherwise,
	// and allows it by returning true.
	CheckHost func(*http.Request) bool
	// Origins are further origins, such as https://app.example:8443, written as browsers
	// send them: in lower case, and without the default port of the scheme. In
	// https://*.app.example the star stands for one or more labels of a host name, as in
	// Hosts.
	Origins []string
	// CheckOrigin, if not nil, is called for a request whose Origin is not allowed
	// otherwise, and allows it by returning true. A request without Origin comes from no
	// browser and is always allowed; one with two is always refused.
	CheckOrigin func(*http.Request) bool
	// HostHint and OriginHint, if not empty, are added to the reason of a refusal: what the
	// visitor or the operator of the server can do about it.
	HostHint, OriginHint string
}

// ErrHost and ErrOrigin report that a [Policy] refused the Host or the Origin of a request.
var (
	ErrHost   = errors.New("websocket: this host is not served")
	ErrOrigin = errors.New("websocket: pages of this origin may not connect")
)

// check returns the refusal of a request that the policy does not allow.
func (p *Policy) check(r *http.Request) error {
	switch {
	case !p.AllowHost(r):
		return refusal(ErrHost, protocol.HandshakeError{
			Status: http.StatusForbidden, Section: "RFC 6455 10.2",
			Reason: hinted("Host "+r.Host+" is not served here", p.HostHint),
		})
	case !p.AllowOrigin(r):
		// RFC 6455 4.2.2: an origin that is not welcome gets 403.
		return refusal(ErrOrigin, protocol.HandshakeError{
			Status: http.StatusForbidden, Section: "RFC 6455 4.2.2",
			Reason: hinted("a page of origin "+strings.Join(r.Header.Values("Origin"), ", ")+" may not connect", p.OriginHint),
		})
	}
	return nil
}

// refusedError is a refusal whose cause errors.Is finds.
type refusedError struct {
	*protocol.HandshakeError
	cause error
}

func refusal(cause error, e protocol.HandshakeError) error { return &refusedError{&e, cause} }

func (e *refusedError) Unwrap() []error { return []error{e.HandshakeError, e.cause} }

func hinted(reason, hint string) string {
	if hint == "" {
		return reason
	}
	return reason + ": " + hint
}

// AllowHost reports whether the server answers to the request's Host. A page of another site
// can have its name resolve to this machine (DNS rebinding), but then Host has that
// name.
func (p *Policy) AllowHost(r *http.Request) bool {
	host := hostname(r.Host)
	if strings.EqualFold(host, "localhost") || slices.ContainsFunc(p.Hosts, func(allowed string) bool {
		return matchHost(allowed, host)
	}) {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err == nil && (ip.IsLoopback() || ip.Unmap() == localIP(r)) {
		return true
	}
	return p.CheckHost != nil && p.CheckHost(r)
}

// matchHost reports whether a host name is the allowed one, or one of a pattern's.
func matchHost(allowed, host string) bool {
	domain, pattern := strings.CutPrefix(allowed, "*.")
	if !pattern {
		return strings.EqualFold(allowed, host)
	}
	return below(strings.ToLower(domain), strings.ToLower(host))
}

// AllowOrigin reports whether the page that sent the request may connect.
// Clients that are not browsers send no Origin (RFC 6455 10.2).
func (p *Policy) AllowOrigin(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	switch len(origins) {
	case 0:
		return true
	case 1:
	default:
		return false
	}
	if slices.ContainsFunc(p.Origins, func(allowed string) bool { return matchOrigin(allowed, origins[0]) }) {
		return true
	}
	if sameOrigin(origins[0], r) {
		return true
	}
	return p.CheckOrigin != nil && p.CheckOrigin(r)
}

// sameOrigin reports whether an origin is that of the request itself. A request that came without
// TLS may still be for https, since a proxy in front of this server may have decrypted it.
func sameOrigin(origin string, r *http.Request) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host) {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && r.TLS == nil
}

// matchOrigin reports whether an origin is the allowed one, or one of a pattern's.
func matchOrigin(allowed, origin string) bool {
	scheme, domain, pattern := strings.Cut(allowed, "://*.")
	if !pattern {
		return origin == allowed
	}
	host, ok := strings.CutPrefix(origin, scheme+"://")
	return ok && below(domain, host)
}

// below reports whether host is one or more labels and then a domain's name.
func below(domain, host string) bool {
	labels, ok := strings.CutSuffix(host, "."+domain)
	return ok && domain != "" && validLabels(labels)
}

// validLabels reports whether s is labels of a host name, as browsers send them, and no
// more: neither a port nor a user.
func validLabels(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || strings.ContainsFunc(label, func(c rune) bool {
			return !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_')
		}) {
			return false
		}
	}
	return true
}

// hostname returns the host of a Host field without its port and brackets.
func hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

// localIP returns the local address of the request's connection.
func localIP(r *http.Request) netip.Addr {
	addr, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if addr == nil {
		return netip.Addr{}
	}
	port, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return netip.Addr{}
	}
	return port.Addr().Unmap()
}
