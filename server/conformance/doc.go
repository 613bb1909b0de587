// Package conformance holds tests alone: what RFC 6455 and RFC 7692 ask of an
// endpoint, asked of ours over real sockets.
//
// One table of cases drives both roles. A case says which frames, or which bytes,
// the test's own end sends and how they are cut on their way, and exactly which
// frames must come back; then TCP must be closed, in order, in time, and with
// nothing sent in between. The test's own end is bare TCP: it shares with the
// codec under test no more than the reading and writing of a header.
//
// The behaviour covered is what the Autobahn test suite catalogues. The cases are
// our own; where a group has a parallel there, a comment gives its number, as
// "catalogue 5.3".
package conformance
