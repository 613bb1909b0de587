// Refusals: how requests are answered that break the protocol, or may not be served.

package engineio

import (
	"encoding/json"
	"net/http"
	"time"
)

// refusal is the answer to a request that is not served: a JSON object with the code and the
// message that clients know from the protocol's reference server, and with the reason if that
// says more.
type refusal struct {
	status  int
	Code    int    `json:"code"`
	Message string `json:"message"`
	Reason  string `json:"reason,omitempty"`
}

var (
	errTransport   = refusal{status: http.StatusBadRequest, Code: 0, Message: "Transport unknown"}
	errSession     = refusal{status: http.StatusBadRequest, Code: 1, Message: "Session ID unknown"}
	errMethod      = refusal{status: http.StatusBadRequest, Code: 2, Message: "Bad handshake method"}
	errBadRequest  = refusal{status: http.StatusBadRequest, Code: 3, Message: "Bad request"}
	errTooLarge    = refusal{status: http.StatusRequestEntityTooLarge, Code: 3, Message: "Bad request"}
	errUnavailable = refusal{status: http.StatusServiceUnavailable, Code: 3, Message: "Bad request"}
	errForbidden   = refusal{status: http.StatusForbidden, Code: 4, Message: "Forbidden"}
	errVersion     = refusal{status: http.StatusBadRequest, Code: 5, Message: "Unsupported protocol version"}
)

// because returns the refusal with a reason.
func (f refusal) because(reason string) refusal {
	f.Reason = reason
	return f
}

// refusedTime is how long net/http may read what is left of the body of a refused request.
const refusedTime = time.Second

// refuse answers a request, and has its connection closed: what follows the request may be a body
// that nobody reads, or frames.
func refuse(w http.ResponseWriter, f refusal) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(refusedTime))
	h := w.Header()
	setSafe(h)
	h.Set("Content-Type", "application/json")
	h.Set("Connection", "close")
	w.WriteHeader(f.status)
	_ = json.NewEncoder(w).Encode(f) // the client has gone, if it fails
}

// setSafe keeps an answer from being stored, or taken for a page.
func setSafe(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}

// admit reports whether a request may be served, and answers it if not. It answers what browsers
// ask before a page of another origin may send a request, too.
func (e *Server) admit(w http.ResponseWriter, r *http.Request) bool {
	policy := &e.options.Policy
	switch {
	case !policy.AllowHost(r):
		refuse(w, errForbidden.because("this server does not answer to the name in Host"))
		return false
	case !policy.AllowOrigin(r) || fromElsewhere(r):
		refuse(w, errForbidden.because("pages of this origin may not connect"))
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Add("Vary", "Origin")
	if r.Method != http.MethodOptions {
		return true
	}
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	if fields := r.Header.Get("Access-Control-Request-Headers"); fields != "" {
		h.Set("Access-Control-Allow-Headers", fields)
	}
	w.WriteHeader(http.StatusNoContent)
	return false
}

// fromElsewhere reports whether a page of another site has a browser send this request without
// naming the page's origin, as it does for an image.
func fromElsewhere(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return r.Header.Get("Origin") == "" && (site == "cross-site" || site == "same-site")
}
