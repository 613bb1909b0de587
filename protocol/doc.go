// Package protocol is the WebSocket protocol of RFC 6455 without any I/O: bytes
// in, frames and breaches out.
//
// The server, the command line and the WASM module in the page all call this
// one package, so what the server refuses is what the inspector marks.
//
// Parsing never fails and judging is separate. [ParseHeader] reads any header,
// legal or not, and remembers enough to write it back byte for byte. A
// [Decoder] follows one direction of a connection and names every [Rule] that
// is broken, with its section of the RFC and the close code that it earns. It
// reads on after each: a strict server stops at the first, an inspector shows
// them all.
//
// Nothing here allocates on the way of a frame, starts a goroutine, reads a
// clock or knows a socket.
package protocol
