// Tests of names: finding a free one among few and many, and reading any query.

package chat

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFreeNames(t *testing.T) {
	taken := map[string]bool{}
	asked := 0
	isTaken := func(name string) bool { asked++; return taken[name] }
	take := func(name string) string {
		free := freeName(name, isTaken)
		if taken[free] || len(free) > maxName || !utf8.ValidString(free) {
			t.Fatalf("%q for %q", free, name)
		}
		taken[free] = true
		return free
	}
	for i := 1; i <= maxMembers; i++ {
		want := "ann"
		if i > 1 {
			want = fmt.Sprint("ann-", i)
		}
		if got := take("ann"); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	}
	if each := asked / maxMembers; each > 40 {
		t.Errorf("%d look-ups for a name", each)
	}
	// Names that differ only after the cut, and numbers with one more digit.
	long := strings.Repeat("é", 31)
	for range 20 {
		take(long + "a")
		take(long + "é")
	}
}

// TestFreeNameWhenTriedNumbersAreTaken has exactly those numbers taken that the search tries.
func TestFreeNameWhenTriedNumbersAreTaken(t *testing.T) {
	taken := map[string]bool{"bob": true}
	for n := 1; n > 0; n *= 2 {
		taken[numbered("bob", n)] = true
	}
	if got := freeName("bob", func(name string) bool { return taken[name] }); got != "bob-3" {
		t.Errorf("%s", got)
	}
}

func FuzzNames(f *testing.F) {
	for _, seed := range []string{"", "room=r&name=n", "name=a;b", "name=%zz", "name=%E3%85%A4", "name=+a+&room=%20", "name=%E2%9D%A4%EF%B8%8F", "name=é-2&name=b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		room, name, err := parseNames(query)
		if err != nil {
			if text := err.Error(); strings.Contains(text, "\n") || !utf8.ValidString(text) || len(text) > 200 {
				t.Errorf("%q", text)
			}
			return
		}
		if room == "" {
			t.Error("no room")
		}
		for _, s := range []string{room, name} {
			again, err := cleanName("name", s)
			if err != nil || again != s || len(s) > maxName {
				t.Errorf("%q is accepted once, then %q, %v", s, again, err)
			}
			if s == "" {
				continue
			}
			if n := numbered(s, 12345); len(n) > maxName || !utf8.ValidString(n) || !strings.HasSuffix(n, "-12345") {
				t.Errorf("%q", n)
			}
		}
	})
}
