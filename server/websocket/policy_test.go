// Hosts and origins: those that are allowed, those below a domain, and those that only look like it.

package websocket_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"

	"framescope/server/websocket"
)

func TestOrigins(t *testing.T) {
	p := websocket.Policy{Origins: []string{
		"https://app.example:8443", "https://*.wild.example", "http://*.port.example:8080", "chrome-extension://abc", "https://*.", "https://a*b.example",
	}}
	for origin, want := range map[string]bool{
		"https://app.example:8443":               true,
		"https://app.example":                    false,
		"https://x.app.example:8443":             false,
		"chrome-extension://abc":                 true,
		"https://a.wild.example":                 true,
		"https://b.a.wild.example":               true,
		"https://xn--bcher-kva.wild.example":     true,
		"https://wild.example":                   false,
		"https://.wild.example":                  false,
		"https://a..wild.example":                false,
		"https://evilwild.example":               false,
		"https://wild.example.evil.org":          false,
		"https://a.wild.example.evil.org":        false,
		"https://a.wild.example.":                false,
		"https://a.wild.example:8443":            false,
		"https://a.wild.example:443":             false, // no browser says so
		"http://a.wild.example":                  false,
		"wss://a.wild.example":                   false,
		"https://evil.org/.wild.example":         false,
		"https://evil.org#.wild.example":         false,
		"https://evil.org?.wild.example":         false,
		"https://evil.org:80.wild.example":       false,
		"https://user@a.wild.example":            false,
		"https://a.wild.example@evil.org":        false,
		"https://evil.org\\.wild.example":        false,
		"https://A.Wild.Example":                 false, // no browser says so
		"HTTPS://a.wild.example":                 false,
		"https://*.wild.example":                 false,
		"https://a\u017f.wild.example":           false,
		"http://a.port.example:8080":             true,
		"http://a.port.example":                  false,
		"http://a.port.example:80800":            false,
		"http://a.port.example:8080.evil.org":    false,
		"null":                                   false,
		"https://a.":                             false,
		"https://axb.example":                    false,
		"https://here.example":                   true, // the request's own host
		"https://here.example.evil.org":          false,
		"https://a.here.example":                 false,
		"https://a.wild.example https://b.wild.": false,
	} {
		r := httptest.NewRequest("GET", "http://here.example/", nil)
		r.Header.Set("Origin", origin)
		if got := p.AllowOrigin(r); got != want {
			t.Errorf("%s: %v, want %v", origin, got, want)
		}
	}
	r := httptest.NewRequest("GET", "http://here.example/", nil)
	if !p.AllowOrigin(r) {
		t.Error("a client that is no browser is refused")
	}
	r.Header["Origin"] = []string{"https://a.wild.example", "https://a.wild.example"}
	if p.AllowOrigin(r) {
		t.Error("two origins are allowed")
	}
}

func TestHosts(t *testing.T) {
	p := websocket.Policy{Hosts: []string{"app.example", "*.wild.example", "*.", "*", "a*b.example"}}
	for host, want := range map[string]bool{
		"app.example":                true,
		"APP.Example:8080":           true,
		"x.app.example":              false,
		"a.wild.example":             true,
		"A.B.Wild.Example:443":       true,
		"wild.example":               false,
		".wild.example":              false,
		"a..wild.example":            false,
		"evilwild.example":           false,
		"a.wild.example.evil.org":    false,
		"user@a.wild.example":        false,
		"evil.org/.wild.example":     false,
		"a.wild.example.":            false,
		"other.example":              false,
		"axb.example":                false,
		"localhost":                  true,
		"127.0.0.1:80":               true,
		"[::1]:80":                   true,
		"192.0.2.7":                  false,
		"127.0.0.1.evil.org":         false,
		"*.wild.example":             false,
		"xn--bcher-kva.wild.example": true,
	} {
		r := httptest.NewRequest("GET", "http://here.example/", nil)
		r.Host = host
		if got := p.AllowHost(r); got != want {
			t.Errorf("%s: %v, want %v", host, got, want)
		}
	}
}

// The functions are asked about what the lists do not allow, and about nothing else.
func TestPolicyFunctions(t *testing.T) {
	asked := 0
	answer := true
	check := func(*http.Request) bool { asked++; return answer }
	p := websocket.Policy{CheckHost: check, CheckOrigin: check, Origins: []string{"https://app.example"}}
	r := httptest.NewRequest("GET", "http://localhost/", nil)
	for _, origin := range []string{"https://app.example", "http://localhost"} {
		r.Header.Set("Origin", origin)
		if !p.AllowHost(r) || !p.AllowOrigin(r) || asked != 0 {
			t.Errorf("%s, which the lists allow, is asked about", origin)
		}
	}
	r.Host = "other.example"
	r.Header.Set("Origin", "null")
	for _, answer = range []bool{true, false} {
		asked = 0
		if p.AllowHost(r) != answer || p.AllowOrigin(r) != answer || asked != 2 {
			t.Errorf("the answer %v does not count", answer)
		}
	}
	answer, asked = true, 0
	r.Header["Origin"] = []string{"https://a.example", "https://a.example"}
	if p.AllowOrigin(r) || asked != 0 {
		t.Error("a request with two origins is asked about")
	}
}

// TestSameOriginOverTLS: a page that came without TLS is another origin than one that came with it. A
// request without TLS may come from a proxy that has decrypted it.
func TestSameOriginOverTLS(t *testing.T) {
	for _, test := range []struct {
		origin  string
		tls, ok bool
	}{
		{"https://localhost:8080", true, true}, {"http://localhost:8080", true, false},
		{"https://localhost:8080", false, true}, {"http://localhost:8080", false, true},
		{"chrome-extension://localhost:8080", true, false}, {"chrome-extension://localhost:8080", false, false},
		{"null", true, false}, {"https://localhost", true, false},
	} {
		r := httptest.NewRequest("GET", "http://localhost:8080/", nil)
		r.Header.Set("Origin", test.origin)
		if test.tls {
			r.TLS = &tls.ConnectionState{}
		}
		if got := new(websocket.Policy).AllowOrigin(r); got != test.ok {
			t.Errorf("%s, TLS %v: %v", test.origin, test.tls, got)
		}
	}
}
