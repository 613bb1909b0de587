// The flags that Engine.IO and Socket.IO share, and where they are served.

package main

import (
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/pflag"

	"framescope/server/engineio"
	"framescope/server/socketio"
	"framescope/server/socketio/demo"
	"framescope/server/websocket"
)

// socketIO is what the command line chooses for Engine.IO and Socket.IO.
type socketIO struct {
	pingInterval   time.Duration
	pingTimeout    time.Duration
	connectTimeout time.Duration
	recovery       time.Duration
	maxPayload     int // bytes
	origin         string
}

func socketIODefaults() socketIO {
	return socketIO{
		pingInterval: 25 * time.Second, pingTimeout: 20 * time.Second, connectTimeout: 45 * time.Second, maxPayload: 1_000_000,
	}
}

func (c *socketIO) addFlags(f *pflag.FlagSet) {
	f.DurationVar(&c.pingInterval, "socketio-ping-interval", c.pingInterval, "Engine.IO and Socket.IO: `time` between two pings")
	f.DurationVar(&c.pingTimeout, "socketio-ping-timeout", c.pingTimeout, "Engine.IO and Socket.IO: `time` that a client has to answer a ping")
	f.DurationVar(&c.connectTimeout, "socketio-connect-timeout", c.connectTimeout, "Socket.IO: `time` that a client has to join a namespace")
	f.DurationVar(&c.recovery, "socketio-recovery", c.recovery, "Socket.IO: `time` within which a client that lost its connection may come back and have its rooms and what it missed; 0 for never. Otherwise each event has one argument more")
	f.IntVar(&c.maxPayload, "socketio-max-payload", c.maxPayload, "Engine.IO and Socket.IO: largest message or POST body in `bytes`")
	f.StringVar(&c.origin, "socketio-origin", c.origin, "Engine.IO and Socket.IO: allow pages of this `origin`, such as https://app.example, beside those of --allow-origin; * allows all")
}

// check is like config.check.
func (c *socketIO) check() error {
	for _, t := range []struct {
		flag  string
		value time.Duration
	}{
		{"socketio-ping-interval", c.pingInterval},
		{"socketio-ping-timeout", c.pingTimeout},
		{"socketio-connect-timeout", c.connectTimeout},
	} {
		if t.value < time.Millisecond || t.value > 24*time.Hour {
			return fmt.Errorf("--%s %v is out of range: give a time from 1ms to 24h", t.flag, t.value)
		}
	}
	if c.recovery < 0 || c.recovery > 24*time.Hour {
		return fmt.Errorf("--socketio-recovery %v is out of range: give a time up to 24h, or 0", c.recovery)
	}
	if c.maxPayload < 1 || c.maxPayload > 1<<30 {
		return fmt.Errorf("--socketio-max-payload %d is out of range: give a number from 1 to %d", c.maxPayload, 1<<30)
	}
	if c.origin == "" || c.origin == "*" {
		return nil
	}
	origin, err := checkOrigin("socketio-origin", c.origin)
	if err != nil {
		return fmt.Errorf("%w, or * for all", err)
	}
	c.origin = origin
	return nil
}

// handleSocketIO adds the URLs of Engine.IO and Socket.IO.
func (s *server) handleSocketIO(mux *http.ServeMux) {
	options := s.engineOptions()
	options.Open = engineio.Echo
	engine := engineio.New(options)
	mux.Handle("/engine.io/", s.capturedSockets(engine))

	io := socketio.New(socketio.Options{
		Engine: s.engineOptions(), ConnectTimeout: s.config.socketIO.connectTimeout, Recovery: s.config.socketIO.recovery,
		Hub: s.hub,
	})
	demo.Add(io)
	mux.Handle("/socket.io/", s.capturedSockets(io))
	s.engines = append(s.engines, engine, io)
}

// engineOptions returns what Engine.IO and Socket.IO have in common.
func (s *server) engineOptions() engineio.Options {
	c := &s.config.socketIO
	policy := s.sockets.Policy
	switch c.origin {
	case "":
	case "*":
		policy.CheckOrigin = func(*http.Request) bool { return true }
	default:
		policy.Origins = append(policy.Origins[:len(policy.Origins):len(policy.Origins)], c.origin)
	}
	return engineio.Options{
		PingInterval: c.pingInterval, PingTimeout: c.pingTimeout, MaxPayload: c.maxPayload,
		Policy: policy, Memory: s.memory, Log: s.log,
	}
}

// capturedSockets captures the WebSockets of a handler, and not its other requests.
func (s *server) capturedSockets(app http.Handler) http.Handler {
	captured := s.tap.Handler(uint64(s.config.socketIO.maxPayload), app)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if websocket.IsHandshake(r) {
			captured.ServeHTTP(w, r)
			return
		}
		app.ServeHTTP(w, r)
	})
}
