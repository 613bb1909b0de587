// Escapes: no text controls a terminal or is hidden, and nothing is lost.

package decode

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

func TestEscapes(t *testing.T) {
	for in, want := range map[string]string{
		"plain ~ text":               "plain ~ text",
		"tabs\tstay":                 "tabs\tstay",
		`"C:\x"`:                     `"C:\x"`,
		"Grüße, 世界 🎉":                "Grüße, 世界 🎉",
		"\x1b]0;title\a\b\x7f\x00":   `\x1b]0;title\a\b\x7f\x00`,
		"a\r\nb":                     `a\r\nb`,
		"\u0085\u009b31m\u00a0":      `\u0085\u009b31m\u00a0`,
		"\x9b31m":                    `\x9b31m`, // C1 as a byte of its own
		"\u202a\u202e\u2066\u2069":   `\u202a\u202e\u2066\u2069`,
		"\u200e\u200f\u061c":         `\u200e\u200f\u061c`,
		"\u2028\u2029\u200b\ufeff":   `\u2028\u2029\u200b\ufeff`,
		"\u3164\u115f\u2800\ufe0f":   `\u3164\u115f\u2800\ufe0f`,
		"\U000e0041\U000e0101\ue000": `\U000e0041\U000e0101\ue000`,
		"cut \xf0\x9f":               `cut \xf0\x9f`,
		"\ufffd":                     "\ufffd",
	} {
		if got := Escape(in); got != want {
			t.Errorf("%q is shown as %s, want %s", in, got, want)
		}
	}
}

func TestJSONIsEscaped(t *testing.T) {
	for in, want := range map[string]string{
		"a\u009b\u202e\x7f\u2028": `"a\u009b\u202e\u007f\u2028"`,
		"\x1bä\U000e0041":         `"\u001bä\udb40\udc41"`,
		"世界🎉\ufffd":               `"世界🎉` + "\ufffd" + `"`,
	} {
		line, err := json.Marshal(in)
		if got := string(appendJSON(nil, line)); err != nil || got != want {
			t.Errorf("%q is written as %s, want %s (%v)", in, got, want, err)
		}
	}
}

// TestInvisible asks Unicode's own properties of every character, those of a Go to come
// included.
func TestInvisible(t *testing.T) {
	for c := range rune(unicode.MaxRune + 1) {
		if visible(c) && (!unicode.IsPrint(c) || unicode.In(c, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)) {
			t.Errorf("%U is taken for visible", c)
		}
		if !visible(c) && unicode.IsPrint(c) && c != '\u2800' && !unicode.In(c, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) {
			t.Errorf("%U is taken for invisible", c)
		}
	}
}

// shownRaw is a character of text that commands a terminal, turns the text or cannot be
// seen, by Unicode's own categories; 0 if there is none.
func shownRaw(text string) rune {
	for _, c := range text {
		if unicode.In(c, unicode.C, unicode.Zl, unicode.Zp, unicode.Bidi_Control, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) {
			return c
		}
	}
	return 0
}

// FuzzEscape: nothing is shown raw, and what is quoted can be read back.
func FuzzEscape(f *testing.F) {
	f.Add([]byte("a\x1b[31m\u009b\u202e\"\\\t\xff\U000e0041"))
	f.Add([]byte("世界\u3164\xe4\xb8"))
	f.Fuzz(func(t *testing.T, p []byte) {
		if c := shownRaw(strings.ReplaceAll(Escape(string(p)), "\t", "")); c != 0 {
			t.Errorf("%q: %U is shown as it is", p, c)
		}
		shown := quoted(p)
		if back, err := strconv.Unquote(shown); err != nil || back != string(p) || shownRaw(shown) != 0 {
			t.Errorf("%q is quoted as %s, read back as %q, %v", p, shown, back, err)
		}
		text := strings.ToValidUTF8(string(p), "?")
		line, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		line = appendJSON(nil, line)
		var back string
		if err := json.Unmarshal(line, &back); err != nil || back != text || shownRaw(string(line)) != 0 {
			t.Errorf("%q is written as %s, read back as %q, %v", text, line, back, err)
		}
	})
}
