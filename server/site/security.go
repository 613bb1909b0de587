// The headers that fence the page in.

package site

import (
	"net/http"
	"strings"
)

// policy is the page's Content-Security-Policy. 'wasm-unsafe-eval' lets WASM compile, and nothing
// else; a worker is held by the policy of its own script's response, so every response carries it.
// connect-src: the playground may open a WebSocket to any server that its user names, that is what a
// WebSocket inspector is for. Scripts come from here only, so nobody but the user does the naming.
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
