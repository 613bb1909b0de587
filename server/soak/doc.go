// Package soak holds no code, only tests: the real server as a process of its own,
// well-behaved clients that check every answer, and beside them peers that attack
// each limit in turn, and then all limits at once.
//
// An attack is a row: what the peers do, which limit holds them, and what they must
// see of it. What must hold in any case is checked around it: no answer of the
// well-behaved is lost, doubled or late, the server's memory stays within what the
// limit allows, and when the peers are gone so are their files and goroutines.
//
// `go test ./server/soak` runs a minute with few peers; `make soak SOAK=20m` runs as
// many as the limits allow, and prints the table.
package soak
