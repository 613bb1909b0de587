// The log of net/http's server: which level its lines get.

package main

import (
	"bytes"
	stdlog "log"
	"log/slog"
)

// httpLog returns a logger for http.Server.ErrorLog. A panic in a handler is logged as an
// error. All other lines report mistakes of peers, and are logged for debugging.
func httpLog(log *slog.Logger) *stdlog.Logger { return stdlog.New(httpLines{log}, "", 0) }

type httpLines struct{ log *slog.Logger }

func (h httpLines) Write(line []byte) (int, error) {
	text := string(bytes.TrimSpace(line))
	if bytes.HasPrefix(line, []byte("http: panic serving ")) {
		h.log.Error(text)
	} else {
		h.log.Debug(text)
	}
	return len(line), nil
}
