// Placeholders: the objects that stand for attachments in the text of a packet.

package socketio

import (
	"bytes"
	"errors"
	"strconv"
)

var errPlaceholder = errors.New("socket.io: a placeholder that stands for no attachment")

// appendPlaceholder appends the object that stands for the attachment with a number.
func appendPlaceholder(dst []byte, num int) []byte {
	dst = append(dst, `{"_placeholder":true,"num":`...)
	return append(strconv.AppendInt(dst, int64(num), 10), '}')
}

// parsePlaceholder parses the placeholder that begins at p[i:] and returns its number and the
// index behind it; 0 if there is none. An object is one if it has the members _placeholder, which
// is true, and num, a small integer, and no others.
func parsePlaceholder(p []byte, i int) (num, end int) {
	if i = skipSpace(p, i); i >= len(p) || p[i] != '{' {
		return 0, 0
	}
	marked, numbered := false, false
	for range 2 {
		i = skipSpace(p, i+1) // behind the brace or the comma
		switch {
		case !marked && bytes.HasPrefix(p[i:], []byte(`"_placeholder"`)):
			marked = true
			if i = skipColon(p, i+len(`"_placeholder"`)); !bytes.HasPrefix(p[i:], []byte("true")) {
				return 0, 0
			}
			i += len("true")
		case !numbered && bytes.HasPrefix(p[i:], []byte(`"num"`)):
			numbered = true
			n, rest, ok := cutNumber(p[skipColon(p, i+len(`"num"`)):], 1<<20)
			if !ok {
				return 0, 0
			}
			num, i = int(n), len(p)-len(rest)
		default:
			return 0, 0
		}
		if i = skipSpace(p, i); i >= len(p) || p[i] != ',' && p[i] != '}' {
			return 0, 0
		}
		if p[i] == '}' {
			break
		}
	}
	if !marked || !numbered || p[i] != '}' {
		return 0, 0
	}
	return num, i + 1
}

// skipColon skips a colon and the spaces around it; the JSON is valid.
func skipColon(p []byte, i int) int { return skipSpace(p, skipSpace(p, i)+1) }

// nextPlaceholder returns where the next placeholder in valid JSON is, and its number; start is -1
// if there is none from i on, which must not be in a string. JavaScript takes every object with a
// member _placeholder for one, so a member of that name anywhere else is an error.
func nextPlaceholder(p []byte, i int) (start, end, num int, err error) {
	for i < len(p) {
		switch p[i] {
		case '"':
			first := i
			i = skipString(p, i+1)
			if next := skipSpace(p, i); next < len(p) && p[next] == ':' && isMark(p[first:i]) {
				return 0, 0, 0, errPlaceholder
			}
		case '{':
			if num, end := parsePlaceholder(p, i); end > 0 {
				return i, end, num, nil
			}
			i++
		default:
			i++
		}
	}
	return -1, 0, 0, nil
}

// isMark reports whether a JSON string says _placeholder, perhaps with escapes.
func isMark(quoted []byte) bool {
	if len(quoted) > len(`"_placeholder"`)*len(`\u0000`) {
		return false
	}
	text, err := unquote(quoted)
	return err == nil && string(text) == "_placeholder"
}

// checkPlaceholders reports whether each placeholder has an attachment.
func checkPlaceholders(raw []byte, attachments int) error {
	for i := 0; ; {
		start, end, num, err := nextPlaceholder(raw, i)
		switch {
		case err != nil || start < 0:
			return err
		case num >= attachments:
			return errPlaceholder
		}
		i = end
	}
}

// appendRenumbered appends JSON, which checkPlaceholders has approved of, with the numbers of its
// placeholders raised by first.
func appendRenumbered(dst, raw []byte, first int) []byte {
	for i := 0; ; {
		start, end, num, err := nextPlaceholder(raw, i)
		if err != nil || start < 0 {
			return append(dst, raw[i:]...)
		}
		dst = appendPlaceholder(append(dst, raw[i:start]...), first+num)
		i = end
	}
}
