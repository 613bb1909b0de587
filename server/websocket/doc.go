// Package websocket is a WebSocket connection in either role, on net/http and
// package protocol: the handshake, messages, control frames, limits.
//
// A [Server] accepts connections inside an http.Handler, [Dial] makes one. Both give the same
// [Conn]. One goroutine at a time reads from it; any number write to it, close it and set its
// deadlines.
//
// # Reading
//
// A connection that is in use must always be read: it is the reader that answers pings, keeps the
// close handshake, notices a peer that is gone, and closes with the code that it earns when the
// peer breaks a rule. [Conn.ReadMessage] returns a message that belongs to the caller,
// [Conn.NextMessage] one that is valid until the next call, [Conn.NextReader] one in parts;
// [Conn.Read] can be cancelled.
//
// # Writing
//
// [Conn.WriteMessage] sends a message whole, [Conn.NextWriter] one in parts, [Conn.Write] one that
// can be cancelled. [Conn.Send] queues a message that was prepared once for many connections, and
// waits for nobody.
//
// # The end
//
// The call that meets the end of a connection returns a [CloseError], and [Conn.Err] tells it
// from then on; [CloseStatus] is its code. Close makes the close handshake, CloseNow does without.
// What ends the connection by itself, and when, is set by [Options].
//
// What is received is judged by a [protocol.Decoder] and by nothing else. MIGRATING.md, beside
// this package, sets the calls of other packages beside those of this one.
package websocket
