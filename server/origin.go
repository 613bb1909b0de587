// The origins of --allow-origin and --socketio-origin: those of web pages, and of browser extensions.

package main

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
)

// checkOrigin returns an origin that a flag gives in the form in which browsers send it, or what is
// wrong with it.
func checkOrigin(flag, origin string) (normal string, err error) {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme == "" || u.Host == "" || !strings.EqualFold(origin, u.Scheme+"://"+u.Host) {
		return "", fmt.Errorf("--%s %q is not an origin: give SCHEME://HOST or SCHEME://HOST:PORT, without a path", flag, origin)
	}
	if strings.Contains(origin, "*") && !isPattern(u.Hostname()) {
		return "", fmt.Errorf("--%s %q has a * in the wrong place: use it only for all names below a domain, as in https://*.app.example", flag, origin)
	}
	normal = normalOrigin(u)
	if scheme, id, _ := strings.Cut(normal, "://"); extensionIDs[scheme].id != nil && !extensionIDs[scheme].id.MatchString(id) {
		return "", fmt.Errorf("--%s %q is not the origin of an extension: give %s:// and %s", flag, origin, scheme, extensionIDs[scheme].hint)
	}
	return normal, nil
}

// extensionIDs says what the ids of browser extensions look like, by the scheme of their origins. They
// are no host names, and each has to be named: a pattern would let in every other extension.
var extensionIDs = map[string]struct {
	id   *regexp.Regexp
	hint string
}{
	"chrome-extension": {regexp.MustCompile(`^[a-p]{32}$`), "the extension's id, 32 letters, which chrome://extensions shows"},
	"moz-extension":    {regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`), "the extension's internal UUID, which about:debugging shows"},
}

// normalOrigin returns an origin as a browser sends it in an Origin field: in lower case,
// without the default port of its scheme (RFC 6454 6.2).
func normalOrigin(origin *url.URL) string {
	scheme, host := strings.ToLower(origin.Scheme), strings.ToLower(origin.Host)
	if port := map[string]string{"http": ":80", "https": ":443"}[scheme]; port != "" {
		host = strings.TrimSuffix(host, port)
	}
	return scheme + "://" + host
}

// isOwnWithoutTLS reports whether the Origin of a request over TLS would be this server's own if it
// had https instead of http. Clients that are no browsers send it, such as websocket-client 1.2 for
// Python. A page may have it only where another server could have the port: so the request has to
// be for a port of loopback, which this server itself has.
func isOwnWithoutTLS(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	host, _, err := net.SplitHostPort(r.Host)
	if !ok || !local.IP.IsLoopback() || err != nil || r.Header.Get("Origin") != "http://"+r.Host {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
