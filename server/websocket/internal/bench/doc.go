// Package bench measures our connection beside those of other Go libraries: the
// same work, in turns, each server alone on one core and the load on another.
//
// It is a module of its own, so that no peer enters the product's go.mod, and a
// test binary, since gorilla/websocket is imported in tests only: `make
// bench-peers` builds it and runs it with the argument "measure".
package bench
