// The URL of a cluster: its brokers, its name and its secret.

package nats

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Cluster is what a cluster's URL says.
type Cluster struct {
	servers string // URLs with credentials, separated by commas
	hosts   string // the same for people: neither credentials nor secret
	secure  bool
	name    string
	secret  string
}

// String returns the brokers' addresses. What is secret in the URL is not in it.
func (c Cluster) String() string { return c.hosts }

const (
	defaultName   = "main"
	maxName       = 64
	maxBrokers    = 16
	nameCharacter = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
)

// ParseURL reads the URL of a cluster, or several for a cluster of brokers, separated by
// commas:
//
//	nats://[USER:PASSWORD@|TOKEN@]HOST[:PORT][/NAME][?secret=SECRET]
//
// With tls:// the connection is encrypted and the broker's certificate is checked. NAME keeps
// several clusters on one broker apart. With a SECRET, instances accept only what comes from
// others that know it. Errors contain nothing of the URL but the scheme, since it may hold a
// password.
func ParseURL(text string) (Cluster, error) {
	var c Cluster
	parts := strings.Split(text, ",")
	if len(parts) > maxBrokers {
		return c, fmt.Errorf("it names %d brokers: give at most %d", len(parts), maxBrokers)
	}
	var servers, hosts []string
	for i, part := range parts {
		u, err := parseBroker(strings.TrimSpace(part))
		if err != nil {
			return c, err
		}
		name, secret := strings.TrimPrefix(u.Path, "/"), u.Query().Get("secret")
		if i == 0 {
			c.name, c.secret = name, secret
		} else if name != "" && name != c.name || secret != "" && secret != c.secret {
			return c, errors.New("its brokers have different names or secrets: give them once, in the first URL")
		}
		c.secure = c.secure || u.Scheme == "tls"
		hosts = append(hosts, u.Scheme+"://"+u.Host)
		u.Path, u.RawQuery = "", ""
		servers = append(servers, u.String())
	}
	if c.name == "" {
		c.name = defaultName
	}
	if len(c.name) > maxName || strings.Trim(c.name, nameCharacter) != "" {
		return c, fmt.Errorf("the cluster's name, after the host, is not valid: give at most %d letters, digits, - and _", maxName)
	}
	c.servers, c.hosts = strings.Join(servers, ","), strings.Join(hosts, ",")
	return c, nil
}

// errURL says what a URL is to be like.
var errURL = errors.New("it is not a broker's URL: give nats://HOST:PORT or tls://HOST:PORT")

func parseBroker(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "nats" && u.Scheme != "tls" || u.Hostname() == "" || u.Fragment != "" {
		return nil, errURL
	}
	if strings.ContainsFunc(u.Host, func(r rune) bool { return r <= ' ' || r == '%' }) {
		return nil, errURL
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil || len(query) > 1 || len(query) == 1 && len(query["secret"]) != 1 {
		return nil, errors.New("it has a query that is not understood: ?secret=SECRET is all that may follow the name")
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), "4222")
	}
	return u, nil
}
