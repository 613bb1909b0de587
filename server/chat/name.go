// Names of rooms and members: reading them from a request, and choosing one that is free.

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

// parseNames returns the room and the name in a request's query. The name is "" if the
// query has none.
func parseNames(query string) (room, name string, err error) {
	// [url.URL.Query] drops what it cannot read, and so would return another name than
	// the client meant.
	q, err := url.ParseQuery(query)
	if err != nil {
		return "", "", errors.New("the query cannot be read: write & between room and name, and in both %3B for ; and %25 for %")
	}
	return checkNames(q.Get("room"), q.Get("name"))
}

// checkNames returns the names of a room and a member in the form in which they are shown.
func checkNames(room, name string) (string, string, error) {
	room, err := cleanName("room", room)
	if err != nil {
		return "", "", err
	}
	if room == "" {
		room = "lobby"
	}
	name, err = cleanName("name", name)
	if err != nil {
		return "", "", err
	}
	return room, name, checkMemberName(name)
}

// validName reports whether a member may have a name.
func validName(name string) bool {
	clean, err := cleanName("name", name)
	return err == nil && clean == name && name != "" && checkMemberName(name) == nil
}

// checkMemberName refuses a name that would make a member's lines look like those of the
// server or of somebody else.
func checkMemberName(name string) error {
	switch {
	case strings.HasPrefix(name, "*"):
		return errors.New("the name begins with *, as the server's lines do: choose another")
	case strings.Contains(name, ": "):
		return errors.New("the name holds a colon and a space, which end the name in a line: choose another")
	case strings.EqualFold(name, "operator"):
		return errors.New("the name operator is the server's own: choose another")
	}
	return nil
}

// cleanName returns a name without the spaces around it. It refuses names with characters
// that are invisible, since two names would look alike.
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
	visible, last := s == "", rune(0)
	for _, c := range s {
		if !unicode.IsPrint(c) || invisible(c) && !(isPresentation(c) && unicode.IsSymbol(last)) {
			return refuse("holds %U, which cannot be seen", c)
		}
		visible = visible || c != ' ' && !unicode.IsMark(c)
		last = c
	}
	if !visible {
		return refuse("is blank")
	}
	return strings.Trim(s, " "), nil
}

// invisible reports whether a character shows nothing although [unicode.IsPrint] reports
// true for it. Formatting characters, such as those that change the direction of text, and
// all spaces except U+0020 are not printable there.
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

// isPresentation reports whether c is a variation selector that shows the symbol before it
// as text or as a picture.
func isPresentation(c rune) bool { return c == '\uFE0E' || c == '\uFE0F' }

// freeName returns name, or name with a number if it is in use.
func freeName(name string, taken func(string) bool) string {
	if !taken(name) {
		return name
	}
	// A binary search for a free number: otherwise ten thousand members who ask for the
	// same name would try ten thousand numbers each.
	free := 2
	for free < 2*maxMembers && taken(numbered(name, free)) {
		free *= 2
	}
	if free >= 2*maxMembers {
		// Somebody has taken exactly the numbers that were tried. Since a room has at most
		// maxMembers, one of the first is free.
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

// numbered returns name with a number added. The name is cut between two characters if the
// result would be longer than maxName.
func numbered(name string, n int) string {
	suffix := "-" + strconv.Itoa(n)
	end := min(len(name), maxName-len(suffix))
	for end < len(name) && !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end] + suffix
}
