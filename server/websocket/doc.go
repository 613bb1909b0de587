// Package websocket implements WebSocket connections in both roles, on net/http and
// package protocol: the handshake, messages, control frames, limits.
//
// A [Server] accepts connections inside an http.Handler, [Dial] connects to a server. Both return
// a [Conn]. One goroutine at a time may read from it; any number of goroutines may write to it,
// close it and set its deadlines.
//
// # Reading
//
// While a connection is in use, a goroutine must read from it until an error is returned, even if
// it expects no messages: the reader answers pings, completes the close handshake, notices that
// the peer is gone, and closes the connection when the peer breaks a rule. [Conn.ReadMessage] returns a message that belongs to the caller,
// [Conn.NextMessage] one that is valid until the next call, [Conn.NextReader] one in parts;
// [Conn.Read] can be cancelled.
//
// # Writing
//
// [Conn.WriteMessage] sends a message whole, [Conn.NextWriter] one in parts, [Conn.Write] one that
// can be cancelled. [Conn.Send] queues a message that was prepared once for many connections, and
// does not wait for any of them.
//
// # The end
//
// When a connection has ended, reads return a [CloseError], and so does [Conn.Err]; [CloseStatus]
// returns its code. [Conn.Close] ends the connection with a close handshake, [Conn.CloseNow]
// without one. [Options] has the limits that end a connection by themselves.
//
// Only [protocol.Decoder] judges what is received. MIGRATING.md, in the folder of this package,
// shows the calls of gorilla/websocket and coder/websocket beside those of this package.
package websocket
