// Package websocket is a WebSocket connection in either role, on net/http and
// package protocol: the handshake, messages, control frames, limits.
//
// A [Server] accepts connections inside an http.Handler, [Dial] makes one. Both
// give the same [Conn]: one goroutine reads from it, any number write to it.
// Pings are answered, the close handshake is kept, and a peer that breaks a rule
// is closed with the code that the rule earns, all from within ReadMessage: so a
// connection that is in use must always be read.
//
// What is received is judged by a [protocol.Decoder] and by nothing else.
package websocket
