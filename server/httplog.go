// What net/http has to say, and how loudly.

package main

import (
	"bytes"
	stdlog "log"
	"log/slog"
)

// httpLog is for http.Server.ErrorLog. A panic of ours is an error; all else, what
// peers do wrong, is for debugging.
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
