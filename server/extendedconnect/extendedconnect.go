// Package extendedconnect makes the HTTP/2 servers of a program that imports it accept WebSockets
// (RFC 8441): they advertise SETTINGS_ENABLE_CONNECT_PROTOCOL.
//
//	import _ "framescope/server/extendedconnect"
//
// Browsers then open WebSockets on the HTTP/2 connection of their page and do not fall back to
// HTTP/1.1, so every handler of WebSockets has to accept them. Those of package websocket do.
//
// net/http reads the setting http2xconnect from GODEBUG when it is initialised, which is after this
// package: Go initialises packages in the order of their import paths as soon as what they
// import is ready, and this one imports only os. A setting in the environment is kept, so
// GODEBUG=http2xconnect=0 turns it off.
package extendedconnect

import "os"

const setting = "http2xconnect="

func init() {
	debug := os.Getenv("GODEBUG")
	if has(debug, setting) {
		return
	}
	if debug != "" {
		debug += ","
	}
	_ = os.Setenv("GODEBUG", debug+setting+"1") // without it there is HTTP/1.1
}

// has is strings.Contains: importing strings could make this package wait for net/http.
func has(s, part string) bool {
	for len(s) >= len(part) {
		if s[:len(part)] == part {
			return true
		}
		s = s[1:]
	}
	return false
}
