//go:build race

// Under the race detector the longest cases are fewer.

package conformance

const race = true
