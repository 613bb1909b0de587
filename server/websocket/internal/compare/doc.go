// Package compare has no code, only tests: everything that a peer can send is given to
// our connection and to gorilla/websocket's, as server and as client, and what
// each does is compared with what the RFC says.
//
// What the RFC says is written in the tests themselves, in rfc_test.go and in tables; they
// do not ask package protocol. Ours must do the same everywhere; where gorilla does
// not, known_test.go must list how, and which section decides. `make compare`
// prints the result as a table.
package compare
