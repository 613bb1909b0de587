// What the members over TCP and UDP have in common: the options, the limits, the words.

// Package lines joins the chat's room lobby to people who have no WebSocket: over TCP, where
// each line is a message, and over UDP, where each datagram is one. Both are made for nc:
//
//	$ nc 127.0.0.1 8555
//	* this is the chat room lobby: what is your name?
//	ann
//	* welcome to lobby, ann: …
//	hi
//	ann: hi
//	QUIT
//	* goodbye
//
// Over TCP the first line is the name, with or without "NAME " or "JOIN " before it; an empty one
// makes a guest. Over UDP "JOIN ann" joins, and any other datagram joins a guest and is then said.
// A datagram "HEARTBEAT" keeps a UDP member that says nothing, which otherwise is dropped after 15
// seconds. QUIT, in any case, leaves. Everything else is as in the chat's plain lines: /help
// lists the commands.
//
// The sender address of a datagram can be forged. So an address joins over UDP only after it has
// shown that it receives what is sent there: see code.go.
package lines

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"framescope/server/chat"
	"framescope/server/memory"
)

const (
	room    = "lobby"
	maxLine = 4 << 10 // bytes of a line, as in the chat

	writeTimeout    = 10 * time.Second       // for one write to a peer that does not read
	shutdownTimeout = 500 * time.Millisecond // for the last write at a shutdown
	lingerTime      = 200 * time.Millisecond // for a peer to read the last line
)

// Options are what both transports need. Chat must be set.
type Options struct {
	Chat   *chat.Handler
	Log    *slog.Logger
	Memory *memory.Budget // counts what waits for members; nil for no bound

	// Token, if not "", is what everyone has to give: over TCP as the first line, over UDP as the
	// last word of JOIN.
	Token string
	// MaxMembers is how many TCP connections, or UDP members, there may be: 1,000 by default.
	MaxMembers int
	// NameTimeout is how long a TCP peer may take to say its name: a minute by default.
	NameTimeout time.Duration
	// IdleTimeout is how long a TCP peer may say nothing: an hour by default. TCP's keep-alive
	// finds those that are gone much sooner.
	IdleTimeout time.Duration
	// HeartbeatTimeout is how long a UDP member may send nothing: 15 s by default.
	HeartbeatTimeout time.Duration
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.MaxMembers <= 0 {
		o.MaxMembers = 1000
	}
	if o.NameTimeout <= 0 {
		o.NameTimeout = time.Minute
	}
	if o.IdleTimeout <= 0 {
		o.IdleTimeout = time.Hour
	}
	if o.HeartbeatTimeout <= 0 {
		o.HeartbeatTimeout = 15 * time.Second
	}
	return o
}

// What members are told, and why they left.
const (
	goodbye      = "* goodbye"
	full         = "* the chat is full: try again later"
	shuttingDown = "the server is shutting down"
	tooSlow      = "too slow"
	timedOut     = "timed out"
	quit         = "quit"
	lost         = "connection lost"
	noMemory     = "the server is short of memory"
)

// isToken reports whether what a peer gave is the token. How long that takes says nothing about it.
func (o *Options) isToken(given string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(o.Token))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// isText reports whether there is text in s, and nothing that a chat refuses as such.
func isText(s string) bool {
	return strings.TrimSpace(s) != "" && utf8.ValidString(s) && !strings.ContainsFunc(s, func(c rune) bool {
		return unicode.IsControl(c) && !strings.ContainsRune("\t\r\n", c)
	})
}

// word reports whether a line is a word, in any case.
func word(line, is string) bool { return strings.EqualFold(strings.TrimSpace(line), is) }

// afterWord returns what follows a word at the beginning of a line, in any case.
func afterWord(line, first string) (rest string, ok bool) {
	begin, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	if !strings.EqualFold(begin, first) {
		return "", false
	}
	return strings.TrimSpace(rest), true
}
