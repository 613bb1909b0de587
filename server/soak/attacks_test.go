//go:build linux

// All attacks, as the table lists them.

package soak

import (
	"slices"
	"testing"
)

func attacks() []attack {
	return slices.Concat(
		headAttacks(), requestAttacks(), frameAttacks(), messageAttacks(), deflateAttacks(), slowAttacks(), feedAttacks(),
		chatAttacks(), networkAttacks(), resourceAttacks(), endAttacks(),
	)
}

// TestAttacksAreRows: each has a name of its own, and says which limit it tries.
func TestAttacksAreRows(t *testing.T) {
	names := map[string]bool{}
	for _, k := range attacks() {
		if k.name == "" || k.limit == "" || k.run == nil || names[k.name] {
			t.Errorf("%q with limit %q is no row of its own", k.name, k.limit)
		}
		names[k.name] = true
		if !k.flood && k.wait == 0 && !k.ends {
			t.Errorf("%q does not say how long it takes", k.name)
		}
	}
}
