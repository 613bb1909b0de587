// The flags of the chat, and its capture.

package main

import (
	"errors"
	"net/http"

	"github.com/spf13/pflag"

	"framescope/server/chat"
	"framescope/server/hub"
)

// token is a flag whose value is secret: help and errors do not show it.
type token string

func (t *token) String() string { return "" }
func (t *token) Type() string   { return "TOKEN" }

// Set implements pflag.Value. An empty token is an error, since it would let everybody in:
// the variable in the command line was probably not set.
func (t *token) Set(s string) error {
	if s == "" {
		return errors.New("the token is empty: give at least one character, or leave the flag out")
	}
	*t = token(s)
	return nil
}

func (c *config) addChatFlags(f *pflag.FlagSet) {
	f.Var(&c.chatToken, "chat-token", "let only those into the chat who give this `TOKEN`: ?token=TOKEN in the URL; others are refused with 401")
}

// chatOptions takes the hub that joins this server with others.
func (c *config) chatOptions(h hub.Hub) chat.Options {
	o := chat.Options{Hub: h}
	if c.chatToken != "" {
		o.Authorize = chat.Token(string(c.chatToken))
	}
	return o
}

// captureChat returns the chat's handler. The capture marks messages as too big from the
// size on that the chat refuses.
func (s *server) captureChat() http.Handler {
	return s.tap.Handler(uint64(min(s.config.maxMessageSize, chat.MaxMessageSize)), s.chat)
}
