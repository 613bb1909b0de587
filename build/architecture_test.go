// ARCHITECTURE.md's table of packages says what the fences do.

package main

import (
	"strings"
	"testing"
)

// notGo are the rows of the table that are no Go package.
var notGo = []string{"frontend"}

// TestTableOfPackages: the table has a row for each package, in whose last column its imports stand.
func TestTableOfPackages(t *testing.T) {
	rows := packageRows(t, content(t, "ARCHITECTURE.md"))
	for _, dir := range notGo {
		if _, ok := rows[dir]; !ok {
			t.Errorf("the table of packages has no row for %s", dir)
		}
		delete(rows, dir)
	}
	for _, f := range fences {
		got, ok := rows[f.dir]
		switch {
		case !ok:
			t.Errorf("the table of packages has no row for %s", f.dir)
		case got != f.String():
			t.Errorf("the table of packages says that %s may import\n%s\nits fence says\n%s", f.dir, got, f)
		}
		delete(rows, f.dir)
	}
	for dir := range rows {
		t.Errorf("the table of packages has a row for %s, which has no fence", dir)
	}
}

// packageRows is the last column of the table below the heading Packages, by package.
func packageRows(t *testing.T, text string) map[string]string {
	t.Helper()
	_, section, _ := strings.Cut(text, "\n## Packages\n")
	section, _, _ = strings.Cut(section, "\n## ")
	rows := map[string]string{}
	for line := range strings.Lines(section) {
		row, isRow := strings.CutPrefix(strings.TrimSpace(line), "| `")
		if !isRow {
			continue
		}
		dir, _, _ := strings.Cut(row, "/`")
		cells := strings.Split(strings.TrimSuffix(row, " |"), " | ")
		if _, twice := rows[dir]; twice || len(cells) != 4 {
			t.Errorf("the table of packages has two rows for %s, or one without four columns", dir)
		}
		rows[dir] = cells[len(cells)-1]
	}
	return rows
}

// String is the fence as the table has it.
func (f fence) String() string {
	var all []string
	if f.standard == nil {
		all = append(all, "standard library")
	}
	for _, imported := range append(f.standard[:len(f.standard):len(f.standard)], f.other...) {
		all = append(all, "`"+imported+"`")
	}
	if len(all) == 0 {
		return "nothing"
	}
	return strings.Join(all, ", ")
}
