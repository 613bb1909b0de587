//go:build !race

// Without the race detector all cases run.

package conformance

const race = false
