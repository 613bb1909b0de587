// Package compare has no code, only tests: everything that a peer can send is given to
// our connection and to gorilla/websocket's, as server and as client, and what
// each does is held against what the RFC says.
//
// The RFC's word is said by the tests themselves, in rfc_test.go and in tables,
// never by package protocol. Ours must do the same everywhere; where gorilla does
// not, known_test.go must list how, and which section decides. `make compare`
// prints the result as a table.
package compare
