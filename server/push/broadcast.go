// POST /api/broadcast: a push for scripts on this machine and for our own page.

package push

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/netip"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/time/rate"

	"framescope/server/websocket"
)

const maxBody = 64 << 10 // bytes; each byte of a text may be written as an escape of six

// Pushes from one source, broadcasts or the terminal: this many a second, after a burst of as
// many.
const pushesPerSecond = 100

// Broadcast returns the handler of POST /api/broadcast, whose body is
//
//	{"text":"lunch is ready","room":"lobby"}
//
// with or without a room. It answers {"receivers":N}, the number of connections and chat
// members of this server that the text was queued for. Only programs on this machine and
// pages of this server may use it: every other page is refused by its Origin, by
// Sec-Fetch-Site, or since it cannot send application/json without asking first.
func (h *Handler) Broadcast() http.Handler {
	return &broadcast{push: h.Push, limit: rate.NewLimiter(pushesPerSecond, pushesPerSecond)}
}

type broadcast struct {
	push  func(room, text string) (receivers int)
	limit *rate.Limiter
}

func (b *broadcast) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	room, text, refused := readBroadcast(w, r)
	if refused == nil && !b.limit.Allow() {
		w.Header().Set("Retry-After", "1")
		refused = &refusal{http.StatusTooManyRequests, fmt.Errorf("there are more than %d broadcasts a second: wait a second", pushesPerSecond)}
	}
	if refused != nil {
		http.Error(w, refused.Error(), refused.status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	fmt.Fprintf(w, "{\"receivers\":%d}\n", b.push(room, text))
}

// refusal is why a request is refused.
type refusal struct {
	status int
	why    error
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%d %s: %v", r.status, lowerStatus[r.status], r.why)
}

var lowerStatus = map[int]string{
	http.StatusBadRequest:            "bad request",
	http.StatusForbidden:             "forbidden",
	http.StatusMethodNotAllowed:      "method not allowed",
	http.StatusRequestEntityTooLarge: "content too large",
	http.StatusTooManyRequests:       "too many requests",
	http.StatusUnsupportedMediaType:  "unsupported media type",
}

// readBroadcast returns what a request asks for. It reads the body only of those that may ask.
func readBroadcast(w http.ResponseWriter, r *http.Request) (room, text string, refused *refusal) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return "", "", &refusal{http.StatusMethodNotAllowed, errors.New("this URL takes POST with {\"text\":\"…\"}")}
	}
	if err := checkSender(r); err != nil {
		return "", "", &refusal{http.StatusForbidden, err}
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return "", "", &refusal{http.StatusUnsupportedMediaType, errors.New("send JSON, with Content-Type: application/json")}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	switch tooLarge := new(http.MaxBytesError); {
	case errors.As(err, &tooLarge):
		return "", "", &refusal{http.StatusRequestEntityTooLarge, fmt.Errorf("the body has more than %d bytes", maxBody)}
	case err != nil:
		return "", "", &refusal{http.StatusBadRequest, errors.New("the body ended early")}
	}
	if room, text, err = parseBroadcast(body); err != nil {
		return "", "", &refusal{http.StatusBadRequest, err}
	}
	if len(text) > maxText {
		return "", "", &refusal{http.StatusRequestEntityTooLarge, checkText(text)}
	}
	if err := checkText(text); err != nil {
		return "", "", &refusal{http.StatusBadRequest, err}
	}
	return room, text, nil
}

// checkSender refuses requests from other machines and from pages of other origins. One that a
// proxy on this machine passes on may come from anywhere.
func checkSender(r *http.Request) error {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	switch sameOrigin := new(websocket.Policy); {
	case err != nil || !peer.Addr().Unmap().IsLoopback():
		return errors.New("only programs on the server's own machine may broadcast")
	case len(r.Header.Values("X-Forwarded-For"))+len(r.Header.Values("Forwarded")) > 0:
		return errors.New("a proxy passed this request on, and only programs on the server's own machine may broadcast")
	case !sameOrigin.AllowOrigin(r):
		return errors.New("only pages of this server may broadcast, and Origin names another")
	}
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		if site != "same-origin" && site != "none" {
			return errors.New("only pages of this server may broadcast, and Sec-Fetch-Site names another")
		}
	}
	return nil
}

// parseBroadcast reads {"text":"…"} with or without "room", and nothing else: no other name, no
// name twice, and no text that is not Unicode, such as half of a surrogate pair.
func parseBroadcast(body []byte) (room, text string, err error) {
	var b pushed
	if err := json.Unmarshal(body, &b, json.RejectUnknownMembers(true)); err != nil {
		return "", "", fmt.Errorf("the body is not an object such as {\"text\":\"lunch is ready\"}, with \"room\" for one chat room: %s", whatIsWrong(err))
	}
	return b.Room, b.Text, nil
}

// whatIsWrong returns the part of an error of parsing that tells the author of the JSON
// something.
func whatIsWrong(err error) string {
	var syntax *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("%v at byte %d", syntax.Err, syntax.ByteOffset)
	case errors.As(err, &semantic) && semantic.Err != nil:
		return fmt.Sprintf("%v at %q", semantic.Err, string(semantic.JSONPointer))
	case errors.As(err, &semantic):
		return fmt.Sprintf("%v is not allowed at %q", semantic.JSONKind, string(semantic.JSONPointer))
	}
	return "it ends early"
}
