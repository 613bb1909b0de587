//go:build linux

// The list of all attacks.

package soak

import (
	"slices"
	"testing"
)

// attacks lists all attacks in the order of the table.
func attacks() []attack {
	return slices.Concat(
		headAttacks(), requestAttacks(), frameAttacks(), messageAttacks(), deflateAttacks(), slowAttacks(), feedAttacks(),
		chatAttacks(), pushAttacks(), engineIOAttacks(), networkAttacks(), resourceAttacks(), endAttacks(),
	)
}

// TestAttackList checks that each attack has its own name, a limit and a duration.
func TestAttackList(t *testing.T) {
	names := map[string]bool{}
	for _, k := range attacks() {
		if k.name == "" || k.limit == "" || k.run == nil || names[k.name] {
			t.Errorf("attack %q, limit %q: the name is not unique or something is missing", k.name, k.limit)
		}
		names[k.name] = true
		if !k.flood && k.wait == 0 && !k.ends {
			t.Errorf("attack %q has no duration", k.name)
		}
	}
}
