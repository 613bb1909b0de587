//go:build !amd64

// Masking where there are no vectors.

package protocol

func maskLong(_ uint64, b []byte) []byte { return b }
