// Package soak has no code, only tests: the real server as a process of its own,
// well-behaved clients that check every answer, and beside them peers that attack
// each limit in turn, and then all limits at once.
//
// An attack is a row of the table: what the peers do, which limit stops them, and what they
// must see of it. During each attack the tests also check that no answer to a well-behaved
// client is lost, doubled or late, and that the server's memory stays within the limit; after
// it, that the peers' files and goroutines are gone.
//
// `go test ./server/soak` runs a minute with few peers; `make soak SOAK=20m` runs as
// many as the limits allow, and prints the table.
package soak
