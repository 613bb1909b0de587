// protocol/RFC.md names what there is: every file, function and test in its table.

package main

import (
	"regexp"
	"strings"
	"testing"
)

func TestRFCTable(t *testing.T) {
	row := regexp.MustCompile("^\\| (6455|7692|8441) [0-9.]+ \\| (client|server|both) \\| [^|]+ \\| `([^`]+)` (\\w+) \\| `([^`]+)` (\\w+) \\|$")
	rows := 0
	for line := range strings.Lines(content(t, "protocol/RFC.md")) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "| RFC ") || strings.HasPrefix(line, "|---") {
			continue
		}
		m := row.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("not a row of the table: %s", line)
			continue
		}
		rows++
		for _, place := range [][2]string{{m[3], m[4]}, {m[5], m[6]}} {
			function := regexp.MustCompile(`(?m)^func (\([^)]*\) )?` + place[1] + `\(`)
			if !function.MatchString(content(t, place[0])) {
				t.Errorf("%s has no function %s", place[0], place[1])
			}
		}
		if !isTest(m[5]) || isTest(m[3]) {
			t.Errorf("code and test are the wrong way round: %s", line)
		}
	}
	if rows < 70 {
		t.Errorf("the table has %d rows", rows)
	}
}
