// Package frameworks tries the handlers of package websocket inside chi, gin and echo. It is a module of
// its own, so that they are no dependencies of Framescope, and consists of tests: run them with
// `go test` in this folder.
package frameworks
