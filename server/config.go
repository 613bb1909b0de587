// The configuration of serve: the defaults, and the checks before anything starts.

package main

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"framescope/server/memory"
)

// config is what the command line of serve chooses. Call check before it is used.
type config struct {
	addr           string
	snap           int   // bytes
	history        int   // MiB
	maxMessageSize int64 // bytes
	maxMemory      size  // for data that is queued or incomplete
	origins, hosts []string
	pages          string
	folder         string // of --files, or ""
	operator       bool
	lines          linesConfig
	input          io.Reader // that of the operator
	tls            tlsConfig
	chatToken      token
	socketIO       socketIO
	cluster        cluster

	// No flag sets these; tests do.
	headerTimeout time.Duration // for the head of a request
	drainTimeout  time.Duration // for the orderly part of a shutdown
}

const (
	maxSnap    = 32 << 20 // keeps a record well below the largest that the feed allows
	maxHistory = 1 << 20  // MiB
	minMemory  = 1 << 20
)

// defaultMemory is a quarter of the machine's memory.
func defaultMemory() size {
	if total := memory.Machine(); total > 0 {
		return size(max(total/4, minMemory))
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
		socketIO:       socketIODefaults(),
		headerTimeout:  10 * time.Second,
		drainTimeout:   1300 * time.Millisecond,
	}
}

// check returns an error that says what is wrong and what to give instead. It brings
// the origins into the form in which browsers send them.
func (c *config) check() error {
	_, port, err := net.SplitHostPort(c.addr)
	if err != nil {
		return fmt.Errorf("--addr %q is not an address: give HOST:PORT, such as 127.0.0.1:8080", c.addr)
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
	if err := c.socketIO.check(); err != nil {
		return err
	}
	if c.maxMemory < minMemory {
		return fmt.Errorf("--max-memory %v is too little: give %v or more", &c.maxMemory, new(size(minMemory)))
	}
	if err := c.lines.check(c.chatToken); err != nil {
		return err
	}
	for i, origin := range c.origins {
		normal, err := checkOrigin("allow-origin", origin)
		if err != nil {
			return err
		}
		c.origins[i] = normal
	}
	for _, host := range c.hosts {
		if _, err := netip.ParseAddr(host); err != nil && (host == "" || strings.ContainsAny(host, ":/[]@ ")) {
			return fmt.Errorf("--allow-host %q is not a host name: give a name without scheme and port, such as scope.example", host)
		}
		if strings.Contains(host, "*") && !isPattern(host) {
			return fmt.Errorf("--allow-host %q has a * in the wrong place: use it only for all names below a domain, as in *.app.example", host)
		}
	}
	if c.pages != "" {
		if info, err := os.Stat(c.pages); err != nil || !info.IsDir() {
			return fmt.Errorf("--pages %q is not a folder: give the one that `go run ./build` writes, or leave the flag out", c.pages)
		}
	}
	if err := c.cluster.check(); err != nil {
		return err
	}
	return c.tls.check()
}

// isPattern reports whether a host that contains a * is a valid pattern: a * for the
// names below a domain, and no other.
func isPattern(host string) bool {
	domain, ok := strings.CutPrefix(host, "*.")
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

// hostNames returns the names that the Host field of a request may have: those of
// --allow-host, and the name in --addr if it is not an IP address.
func (c *config) hostNames() []string {
	host, _, _ := net.SplitHostPort(c.addr)
	if _, err := netip.ParseAddr(host); err == nil || host == "" {
		return c.hosts
	}
	return append(slices.Clone(c.hosts), host)
}

// exposed reports whether other machines can connect.
func (c *config) exposed() bool {
	host, _, _ := net.SplitHostPort(c.addr)
	if strings.EqualFold(host, "localhost") {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err != nil || !ip.IsLoopback()
}

// url returns the URL at which a browser on this machine reaches a server that listens
// on this port.
func (c *config) url(port int) string {
	host, _, _ := net.SplitHostPort(c.addr)
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return c.tls.scheme() + "://" + net.JoinHostPort(host, strconv.Itoa(port)) + "/"
}
