// What can be chosen, and what is refused before anything starts.

package main

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"framescope/server/memory"
)

// config is a checked command line.
type config struct {
	addr           string
	snap           int   // bytes
	history        int   // MiB
	maxMessageSize int64 // bytes
	maxMemory      size  // for what waits or is unfinished
	origins, hosts []string
	pages          string

	// Not to be chosen by flags, but by tests.
	headerTimeout time.Duration // for a request's head
	drainTimeout  time.Duration // for everything to end
}

const (
	maxSnap    = 32 << 20 // so that a record stays well below the feed's bound
	maxHistory = 1 << 20  // MiB
	minMemory  = 1 << 20
)

// defaultMemory is a quarter of what there is.
func defaultMemory() size {
	if all := memory.Machine(); all > 0 {
		return size(max(all/4, minMemory))
	}
	return 1 << 30
}

func defaults() *config {
	return &config{
		addr:           "127.0.0.1:8080",
		snap:           64 << 10,
		history:        64,
		maxMessageSize: 16 << 20,
		maxMemory:      defaultMemory(),
		headerTimeout:  10 * time.Second,
		drainTimeout:   1300 * time.Millisecond,
	}
}

// check says what is wrong, and what to give instead.
func (c *config) check() error {
	_, port, err := net.SplitHostPort(c.addr)
	if err != nil {
		return fmt.Errorf("--addr %q is no address: give HOST:PORT, such as 127.0.0.1:8080", c.addr)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("--addr %q has no valid port: give a number from 0 to 65535; 0 picks a free one", c.addr)
	}
	for _, number := range []struct {
		flag            string
		value, from, to int64
	}{
		{"snap", int64(c.snap), 0, maxSnap},
		{"history", int64(c.history), 0, maxHistory},
		{"max-message-size", c.maxMessageSize, 1, 1 << 40},
	} {
		if number.value < number.from || number.value > number.to {
			return fmt.Errorf("--%s %d is out of range: give a number from %d to %d", number.flag, number.value, number.from, number.to)
		}
	}
	if c.maxMemory < minMemory {
		return fmt.Errorf("--max-memory %v is too little to serve anybody: give %v or more", &c.maxMemory, new(size(minMemory)))
	}
	for i, origin := range c.origins {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme == "" || u.Host == "" || !strings.EqualFold(origin, u.Scheme+"://"+u.Host) {
			return fmt.Errorf("--allow-origin %q is no origin: give SCHEME://HOST or SCHEME://HOST:PORT, without a path", origin)
		}
		if strings.Contains(origin, "*") && !isPattern(u) {
			return fmt.Errorf("--allow-origin %q has a * that means nothing: give one for all names below a domain, such as https://*.app.example", origin)
		}
		c.origins[i] = asBrowsersSay(u)
	}
	for _, host := range c.hosts {
		if _, err := netip.ParseAddr(host); err != nil && (host == "" || strings.ContainsAny(host, ":/[]@ ")) {
			return fmt.Errorf("--allow-host %q is no host: give a name without scheme and port, such as scope.example", host)
		}
	}
	if c.pages != "" {
		if info, err := os.Stat(c.pages); err != nil || !info.IsDir() {
			return fmt.Errorf("--pages %q is no folder: give the one that `go run ./build` writes, or leave it out", c.pages)
		}
	}
	return nil
}

// isPattern tells whether an origin with a star is one for the names below a domain.
func isPattern(origin *url.URL) bool {
	domain, ok := strings.CutPrefix(origin.Hostname(), "*.")
	if _, err := netip.ParseAddr(domain); !ok || err == nil {
		return false
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || strings.ContainsAny(label, "*:[]") {
			return false
		}
	}
	return true
}

// asBrowsersSay is an origin as it stands in an Origin field: in small letters, without
// a port that goes without saying (RFC 6454 6.2).
func asBrowsersSay(origin *url.URL) string {
	scheme, host := strings.ToLower(origin.Scheme), strings.ToLower(origin.Host)
	if usual := map[string]string{"http": ":80", "https": ":443"}[scheme]; usual != "" {
		host = strings.TrimSuffix(host, usual)
	}
	return scheme + "://" + host
}

// names are the hosts that requests may name: those allowed, and what is listened on.
func (c *config) names() []string {
	host, _, _ := net.SplitHostPort(c.addr)
	if _, err := netip.ParseAddr(host); err == nil || host == "" {
		return c.hosts
	}
	return append(slices.Clone(c.hosts), host)
}

// exposed reports whether others than this machine can connect.
func (c *config) exposed() bool {
	host, _, _ := net.SplitHostPort(c.addr)
	if strings.EqualFold(host, "localhost") {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err != nil || !ip.IsLoopback()
}

// url is where a browser on this machine finds the server that got this port.
func (c *config) url(port int) string {
	host, _, _ := net.SplitHostPort(c.addr)
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(port)) + "/"
}
