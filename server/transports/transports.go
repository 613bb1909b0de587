// The URL: who may ask, with which text, and the answer as JSON.

// Package transports serves /api/transports?text=…: what the same message costs on different
// transports, and what each of them lacks.
//
// Nothing is computed that can be measured. For each transport both ends run in this process,
// on sockets of the loopback address that exist for that one request. The client's bytes are
// counted at its socket, and on Linux the system says how many packets crossed, acknowledgements
// included. The answer is a [Report] as JSON. The fields of its HTTP requests and handshakes are
// those of the request that asked, so a browser sees what its own would cost.
package transports

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"framescope/server/websocket"
)

const (
	maxText     = 4 << 10 // bytes
	defaultText = "hello"
	maxRuns     = 2 // at the same time
)

// Handler serves the URL. Make it with New.
type Handler struct {
	policy *websocket.Policy
	log    *slog.Logger
	runs   chan struct{} // has an element for each run under way
}

// New returns a handler. Pages of the origins that the policy allows may ask.
func New(policy *websocket.Policy, log *slog.Logger) *Handler {
	return &Handler{policy: policy, log: log, runs: make(chan struct{}, maxRuns)}
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "405 method not allowed: use GET, with ?text=… for another message", http.StatusMethodNotAllowed)
		return
	}
	if !h.policy.AllowOrigin(r) || foreign(r) {
		http.Error(w, "403 forbidden: only pages of this server may measure transports", http.StatusForbidden)
		return
	}
	text, err := textOf(r.URL.RawQuery)
	if err != nil {
		http.Error(w, "400 bad request: "+err.Error(), http.StatusBadRequest)
		return
	}
	select {
	case h.runs <- struct{}{}:
		defer func() { <-h.runs }()
	default:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "429 too many requests: others are measuring; try again in a second", http.StatusTooManyRequests)
		return
	}
	report, err := measure(r.Context(), text, ownFields(r.Header))
	if err != nil {
		h.log.Warn("transports were not measured", "why", err)
		http.Error(w, "503 service unavailable: the transports could not be measured on the loopback address; try again", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(report) // fails when the client has gone
}

// foreign reports whether a browser says that a page of another site asks.
func foreign(r *http.Request) bool {
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		if site != "same-origin" && site != "none" {
			return true
		}
	}
	return false
}

// textOf returns the text in a query. It has one line, since a line is all that the plain TCP
// transport can carry.
func textOf(query string) (string, error) {
	q, err := url.ParseQuery(query)
	if err != nil {
		return "", errors.New("the query cannot be read: write %3B for ; and %25 for %")
	}
	text := q.Get("text")
	switch {
	case text == "":
		return defaultText, nil
	case len(text) > maxText:
		return "", fmt.Errorf("the text has %d bytes: give at most %d", len(text), maxText)
	case !utf8.ValidString(text):
		return "", errors.New("the text is not UTF-8")
	case strings.ContainsFunc(text, unicode.IsControl):
		return "", errors.New("the text contains a control character: give one line of text")
	}
	return text, nil
}

// ownFields returns the fields of a request that its client would send with others, too.
func ownFields(h http.Header) http.Header {
	fields := h.Clone()
	for name := range fields {
		for _, prefix := range []string{
			"Connection", "Content-", "If-", "Keep-Alive", "Proxy-", "Range", "Sec-Websocket-", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect",
		} {
			if name == prefix || strings.HasSuffix(prefix, "-") && strings.HasPrefix(name, prefix) {
				delete(fields, name)
			}
		}
	}
	return fields
}
