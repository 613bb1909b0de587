// Package conformance holds our server and our client to RFC 6455 and RFC 7692
// over real sockets: what is sent, byte for byte, and exactly what comes back,
// close code and end of the connection included. It covers the behaviour that the
// Autobahn test suite catalogues, by whose numbers the groups are called, and what
// that leaves unproven. It has tests only.
package conformance
