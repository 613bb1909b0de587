// Which requests may join, and how the others are refused before the handshake.

package chat

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// refusedError is a request that may not join.
type refusedError struct {
	status int
	reason string // one line
}

func (e *refusedError) Error() string { return e.reason }

// admit returns the room and the name that a request asks for, or why it is refused.
func (h *Handler) admit(r *http.Request) (room, name string, err error) {
	if h.options.Authorize != nil {
		if err := h.options.Authorize(r); err != nil {
			return "", "", &refusedError{http.StatusUnauthorized, err.Error()}
		}
	}
	room, name, err = parseNames(r.URL.RawQuery)
	if err != nil {
		return "", "", &refusedError{http.StatusBadRequest, err.Error()}
	}
	switch err := h.rooms.hasSpace(room); err {
	case nil:
	case errRoomFull:
		return "", "", &refusedError{http.StatusConflict, err.Error()}
	default:
		return "", "", &refusedError{http.StatusServiceUnavailable, err.Error()}
	}
	return room, name, nil
}

// refuse answers a request that may not join with one line. A browser does not show it to
// its page, but answers to plain GET requests of the same URL say the same.
func refuse(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	if e := (*refusedError)(nil); errors.As(err, &e) {
		status = e.status
	}
	if status == http.StatusUnauthorized {
		// RFC 9110 15.5.2: a 401 names a way to authenticate.
		w.Header().Set("WWW-Authenticate", `Bearer realm="chat"`)
	}
	w.Header().Set("Connection", "close")
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, strconv.Itoa(status)+" "+statusLine(status)+": "+err.Error(), status)
}

func statusLine(status int) string {
	return strings.ToLower(http.StatusText(status))
}

// Token returns a function for [Options].Authorize that asks for a token: as token=T in the
// query, which is all that a browser's WebSocket can send, or in a field "Authorization:
// Bearer T".
func Token(token string) func(*http.Request) error {
	want := sha256.Sum256([]byte(token))
	return func(r *http.Request) error {
		given := r.URL.Query().Get("token")
		if given == "" {
			given, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		}
		// The hashes have the same length, and how long comparing takes says nothing about
		// the token.
		got := sha256.Sum256([]byte(given))
		if subtle.ConstantTimeCompare(got[:], want[:]) == 1 {
			return nil
		}
		return errToken
	}
}

var errToken = errors.New("this chat asks for a token: add token=… with the right one to the query")
