// Who may connect: the checks of Host and Origin.

package websocket

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Policy says which requests are served. Its zero value serves a request whose
// Host is localhost, a loopback address or the address that it came in at, and
// whose Origin, if there is one, is that same host.
type Policy struct {
	// Hosts are further host names, without port, that a Host field may have.
	Hosts []string
	// Origins are further origins, such as https://app.example:8443, written as browsers
	// send them: in small letters, and without a port that the scheme implies. In
	// https://*.app.example the star stands for one or more labels of a host name:
	// https://a.app.example and https://b.a.app.example are allowed, https://app.example
	// is not. Anywhere else a star stands for itself, which no origin has.
	Origins []string
}

// AllowHost reports whether the request's Host is ours. A page of another site
// can have its name resolve to this machine (DNS rebinding), but then its name
// stands in Host.
func (p *Policy) AllowHost(r *http.Request) bool {
	host := hostname(r.Host)
	if strings.EqualFold(host, "localhost") || slices.ContainsFunc(p.Hosts, func(h string) bool {
		return strings.EqualFold(h, host)
	}) {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.IsLoopback() || ip.Unmap() == localIP(r))
}

// AllowOrigin reports whether the page that sent the request may connect.
// Clients that are no browsers send no Origin (RFC 6455 10.2).
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
	u, err := url.Parse(origins[0])
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// matchOrigin reports whether an origin is the allowed one, or one of those.
func matchOrigin(allowed, origin string) bool {
	scheme, domain, pattern := strings.Cut(allowed, "://*.")
	if !pattern {
		return origin == allowed
	}
	rest, ok := strings.CutPrefix(origin, scheme+"://")
	if !ok {
		return false
	}
	labels, ok := strings.CutSuffix(rest, "."+domain)
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

// hostname is the host of a Host field without its port and brackets.
func hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

// localIP is the address that the request's connection came in at.
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
