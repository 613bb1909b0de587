// Package protocol implements the WebSocket protocol of RFC 6455 without any I/O: bytes
// in, frames and breaches out.
//
// The server, the command line and the WASM module in the page all use this package, so
// the inspector marks exactly what the server refuses.
//
// Parsing never fails and judging is separate. [ParseHeader] reads any header,
// legal or not, and keeps enough to write it back byte for byte. A [Decoder]
// follows one direction of a connection and reports every [Rule] that is broken,
// with its section of the RFC and the close code that it earns. It continues after
// each: a strict server stops at the first, an inspector shows them all.
//
// Decoding a frame allocates nothing. Nothing here starts a goroutine, reads a clock
// or uses a socket.
package protocol
