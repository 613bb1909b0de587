// The header fields that restrict what the page may do.

package site

import (
	"net/http"
	"strings"
)

// policy is the Content-Security-Policy of the page. 'wasm-unsafe-eval' allows compiling WASM
// and nothing else. Every response has the policy, since a worker is subject to the policy of
// its own script's response. connect-src allows WebSockets to any server, because the user may
// give the playground any URL; as scripts are loaded only from this server, no other code can
// make use of that.
var policy = strings.Join([]string{
	"default-src 'none'",
	"script-src 'self' 'wasm-unsafe-eval'",
	"style-src 'self'",
	"img-src 'self' data:",
	"worker-src 'self'",
	"connect-src 'self' ws: wss:",
	"base-uri 'none'",
	"form-action 'none'",
	"frame-ancestors 'none'",
}, "; ")

func protect(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
}
