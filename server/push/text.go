// Texts: what may be pushed, and lines made fit for it.

package push

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// checkText refuses what is not one line of at most 4 KiB. Some receivers show texts on a
// terminal, which control characters would control, and some read lines.
func checkText(text string) error {
	switch {
	case text == "":
		return errors.New("there is no text: give one, as in {\"text\":\"lunch is ready\"}")
	case len(text) > maxText:
		return fmt.Errorf("the text has %d bytes: give at most %d", len(text), maxText)
	}
	for _, c := range text {
		if control(c) {
			return fmt.Errorf("the text contains the control character %U: give one line of text, without control characters", c)
		}
	}
	return nil
}

// control reports whether c is a control character other than a tab.
func control(c rune) bool { return unicode.IsControl(c) && c != '\t' }

// cleanLine returns a line without control characters, and with U+FFFD where it is not UTF-8.
func cleanLine(line []byte) string {
	return strings.Map(func(c rune) rune {
		if control(c) {
			return -1
		}
		return c
	}, strings.ToValidUTF8(string(line), "\uFFFD"))
}
