// Tests of the cluster's URL, whose secrets must not be shown.

package nats

import (
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	for _, test := range []struct{ text, servers, shown, name, secret string }{
		{"nats://127.0.0.1:4222", "nats://127.0.0.1:4222", "nats://127.0.0.1:4222", "main", ""},
		{"nats://broker", "nats://broker:4222", "nats://broker:4222", "main", ""},
		{"nats://[::1]", "nats://[::1]:4222", "nats://[::1]:4222", "main", ""},
		{"tls://ann:hush@broker:1/test-1?secret=s%20x", "tls://ann:hush@broker:1", "tls://broker:1", "test-1", "s x"},
		{"nats://token@a:1/x, nats://b:2", "nats://token@a:1,nats://b:2", "nats://a:1,nats://b:2", "x", ""},
		{"nats://a:1/x,nats://b:2/x", "nats://a:1,nats://b:2", "nats://a:1,nats://b:2", "x", ""},
	} {
		c, err := ParseURL(test.text)
		if err != nil || c.servers != test.servers || c.String() != test.shown || c.name != test.name || c.secret != test.secret {
			t.Errorf("%s: %+v, %v", test.text, c, err)
		}
		if c.secure != strings.HasPrefix(test.text, "tls") {
			t.Errorf("%s: secure is %v", test.text, c.secure)
		}
	}
}

func TestBadURLsShowNoSecrets(t *testing.T) {
	for _, text := range []string{
		"", "hush", "nats://", "http://ann:hush@h", "nats://ann:hush@", "nats://ann:hush@h:x", "nats://ann:hush@h/a/b", "nats://ann:hush@h/*",
		"nats://ann:hush@h/>", "nats://h/" + strings.Repeat("hush", 20), "nats://h?sekret=hush", "nats://h?secret=hush&secret=hush",
		"nats://h?secret=hush&x=1", "nats://ann:hush@h#hush", "nats://a,nats://b/x", "nats://a?secret=hush,nats://b?secret=hushhush",
		"nats://h%zz:hush@", "nats://ann:hush@a b", "nats://h?secret=%zzhush", "ws://hush@h", strings.Repeat("nats://hush@h,", 20) + "nats://h",
		"nats://ann:hush@h/\x1b[31m", "nats://ann:hush@h\r\nX",
	} {
		c, err := ParseURL(text)
		if err == nil {
			t.Errorf("%q is accepted: %+v", text, c)
			continue
		}
		if s := err.Error(); strings.Contains(s, "hush") || strings.ContainsAny(s, "\r\n\x1b") {
			t.Errorf("%q: the error is %q", text, s)
		}
	}
}
