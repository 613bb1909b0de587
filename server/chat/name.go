// Names of rooms and members: which are taken, and how they are asked for.

package chat

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxName = 64 // bytes of a room's or a member's name

// namesIn is the room and the name in a request's query. The name is "" if none is
// asked for.
func namesIn(query string) (room, name string, err error) {
	// [url.URL.Query] would drop what it cannot read, and so serve another name
	// than was meant.
	q, err := url.ParseQuery(query)
	if err != nil {
		return "", "", errors.New("the query cannot be read: write & between room and name, and in them %3B for ; and %25 for %")
	}
	if room, err = cleanName("room", q.Get("room")); err != nil {
		return "", "", err
	}
	if room == "" {
		room = "lobby"
	}
	name, err = cleanName("name", q.Get("name"))
	return room, name, err
}

// cleanName is a name without the spaces around it. What cannot be seen, or makes two
// names look alike, is refused.
func cleanName(what, s string) (string, error) {
	refuse := func(format string, a ...any) (string, error) {
		return "", fmt.Errorf("the "+what+" "+format+": room and name are 1 to 64 bytes of visible text", a...)
	}
	if len(s) > maxName {
		return refuse("has %d bytes", len(s))
	}
	if !utf8.ValidString(s) {
		return refuse("is not UTF-8")
	}
	seen, last := s == "", rune(0)
	for _, c := range s {
		if !unicode.IsPrint(c) || invisible(c) && !(isPresentation(c) && unicode.IsSymbol(last)) {
			return refuse("holds %U, which cannot be seen", c)
		}
		seen = seen || c != ' ' && !unicode.IsMark(c)
		last = c
	}
	if !seen {
		return refuse("is blank")
	}
	return strings.Trim(s, " "), nil
}

// invisible tells whether a character that Unicode takes for a printable one shows nothing.
// Formatting characters, those of the direction of text included, and spaces but one
// are no printable ones.
func invisible(c rune) bool {
	switch c {
	case '\u2800', // braille pattern without dots
		'\U0001D159',               // musical symbol null notehead
		'\U00013441', '\U00013442', // Egyptian blanks
		'\U00016FE4': // Khitan filler
		return true
	}
	return unicode.In(c, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// isPresentation tells whether c chooses between text and picture for the symbol before it.
func isPresentation(c rune) bool { return c == '\uFE0E' || c == '\uFE0F' }

// freeName is the name asked for, or one like it that nobody has.
func freeName(name string, taken func(string) bool) string {
	if !taken(name) {
		return name
	}
	// The number that nobody has is searched in halves: ten thousand of one name
	// would else try ten thousand numbers each.
	free := 2
	for free < 2*maxMembers && taken(numbered(name, free)) {
		free *= 2
	}
	if free >= 2*maxMembers {
		// Somebody has taken just these numbers. One that is free is among the first.
		for free = 2; taken(numbered(name, free)); free++ {
		}
		return numbered(name, free)
	}
	for used := free / 2; free-used > 1; {
		if middle := (used + free) / 2; taken(numbered(name, middle)) {
			used = middle
		} else {
			free = middle
		}
	}
	return numbered(name, free)
}

// numbered is a name with a number, cut at a character to stay within maxName.
func numbered(name string, n int) string {
	suffix := "-" + strconv.Itoa(n)
	end := min(len(name), maxName-len(suffix))
	for end < len(name) && !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end] + suffix
}
