// The operator: --operator, /ws/push and /api/broadcast; and the costs of transports.

package main

import (
	"context"
	"net/http"
	"sync"

	"github.com/spf13/pflag"

	"framescope/server/transports"
)

func operatorFlag(f *pflag.FlagSet, c *config) {
	f.BoolVar(&c.operator, "operator", false, "push each line of standard input to /ws/push and every chat room; the end of the input does not end the server")
}

// handlePush adds the URLs that push, that receive what is pushed, and that compares transports.
func (s *server) handlePush(mux *http.ServeMux, captured func(http.Handler) http.Handler) {
	mux.Handle("/ws/push", captured(s.push))
	mux.Handle("/api/broadcast", s.ownHost(s.push.Broadcast()))
	mux.Handle("/api/transports", s.ownHost(transports.New(&s.sockets.Policy, s.log)))
}

// startOperator begins to push what the operator types, if there is one, until ctx is done.
func (s *server) startOperator(ctx context.Context, background *sync.WaitGroup) {
	if s.config.operator {
		ignoreTerminalStop()
		background.Go(func() { s.push.Operate(ctx, s.config.input) })
	}
}
