// The echo: each message comes back.

package engineio

import "net/http"

// Echo is an Open function for [Options]: it sends every message back.
func Echo(s *Session, _ *http.Request) Handler { return echo{s} }

type echo struct{ session *Session }

func (e echo) Message(binary bool, p []byte) {
	_ = e.session.Send(binary, p) // if it fails, the session ends
}

func (echo) Closed(Reason) {}
