// Package conformance has only tests: whether our endpoint does, over real sockets, what
// RFC 6455 and RFC 7692 demand.
//
// One table of cases (groups, in table_test.go) drives both roles. A case says which
// frames, or which bytes, the test's own end sends and how they are cut on their way,
// and exactly which frames must come back; then TCP must be closed, in order, in time,
// and with nothing sent in between. The test's own end is bare TCP: it shares only the
// reading and writing of a header with the codec under test. With FULL=1 in the
// environment all cases are played, otherwise some of every kind.
//
// The behaviour covered is what the Autobahn test suite catalogues. The cases are
// our own; where a group has a parallel there, the table gives its number.
package conformance
