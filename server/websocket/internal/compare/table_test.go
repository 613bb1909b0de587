// The result: how often each library agreed with the RFC, and every difference.

package compare_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// tally collects what all tests found.
type tally struct {
	mu     sync.Mutex
	order  []string // the groups as they came
	groups map[string]*counts
	kinds  map[string]*kind // by section and words
}

// counts is how many cases a group had and in how many gorilla differed, by role.
type counts struct{ cases, differ map[string]int }

// kind is how often gorilla differed in one way, by role, and an example.
type kind struct {
	section, words string
	count          map[string]int
	example
}

// example is a case in words, and what should and what did become of it.
type example struct{ of, rfc, gorilla string }

var results = tally{groups: map[string]*counts{}, kinds: map[string]*kind{}}

func (s *tally) group(name string) *counts {
	if s.groups[name] == nil {
		s.order = append(s.order, name)
		s.groups[name] = &counts{map[string]int{}, map[string]int{}}
	}
	return s.groups[name]
}

// agreed counts a case, in which ours has done what the RFC says.
func (s *tally) agreed(group, role string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.group(group).cases[role]++
}

// differed counts a case in which gorilla has not: one of a known kind, or the test fails.
func (s *tally) differed(t *testing.T, group, role, name string, want judgement, got verdict) {
	t.Helper()
	if d, ok := knownAs(want, got); ok {
		s.count(group, role, d.section, d.gorilla, example{name, want.verdict.String(), got.String()})
		return
	}
	t.Errorf("%s: gorilla %v, the RFC %v (%s: %s), and known_test.go does not list this difference",
		name, got, want.verdict, want.why.section, want.why.words)
}

func (s *tally) count(group, role, section, words string, e example) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.group(group).differ[role]++
	k := s.kinds[section+words]
	if k == nil {
		k = &kind{section: section, words: words, count: map[string]int{}, example: e}
		s.kinds[section+words] = k
	}
	// The smallest, so that the table does not depend on which worker was first.
	if len(e.of) < len(k.of) || len(e.of) == len(k.of) && e.of < k.of {
		k.example = e
	}
	k.count[role]++
}

// stale names the known differences that no case has shown.
func (s *tally) stale() (words []string) {
	for _, d := range known {
		if s.kinds[d.section+d.gorilla] == nil {
			words = append(words, d.gorilla)
		}
	}
	return words
}

// markdown is the result as two tables.
func (s *tally) markdown() string {
	var b strings.Builder
	b.WriteString("| cases | as | how many | ours as the RFC says | gorilla as the RFC says |\n|---|---|--:|--:|--:|\n")
	total, differ := 0, 0
	for _, name := range s.order {
		g := s.groups[name]
		for _, r := range roles {
			n, d := g.cases[r.String()], g.differ[r.String()]
			total, differ = total+n, differ+d
			if n > 0 {
				fmt.Fprintf(&b, "| %s | %v | %d | %d | %d |\n", name, r, n, n, n-d)
			}
		}
	}
	fmt.Fprintf(&b, "| all | both | %d | %d | %d |\n", total, total, total-differ)
	b.WriteString("\n| gorilla … | decided by | as server | as client | for example | the RFC and ours | gorilla |\n|---|---|--:|--:|---|---|---|\n")
	kinds := make([]*kind, 0, len(s.kinds))
	for _, k := range s.kinds {
		kinds = append(kinds, k)
	}
	slices.SortFunc(kinds, func(a, b *kind) int { return strings.Compare(a.section+a.words, b.section+b.words) })
	for _, k := range kinds {
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %s | %s | %s |\n", k.words, k.section, k.count["server"], k.count["client"], k.of, k.rfc, k.gorilla)
	}
	return b.String()
}
