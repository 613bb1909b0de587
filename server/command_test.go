// Tests of the command line: help, and which arguments are refused with which exit code.

package main

import (
	"bytes"
	"net"
	"regexp"
	"strings"
	"testing"
)

// invoke runs the program in the process of the test, for command lines that end at once.
func invoke(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), args, &out, &err)
	return code, out.String(), err.String()
}

func TestHelpListsEverything(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}, {"help", "serve"}, {}} {
		code, stdout, stderr := invoke(t, args...)
		if code != exitDone || stderr != "" {
			t.Errorf("%q: exit %d, stderr %q", args, code, stderr)
		}
		for _, flag := range []string{"--addr", "--snap", "--history", "--max-message-size", "--allow-origin", "--allow-host", "--pages"} {
			if !strings.Contains(stdout, flag) {
				t.Errorf("%q does not list %s", args, flag)
			}
		}
	}
	if code, stdout, _ := invoke(t, "version"); code != exitDone || !strings.HasPrefix(stdout, "framescope "+version) {
		t.Errorf("version: exit %d, %q", code, stdout)
	}
}

func TestWrongCommandLines(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, test := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"frob"}, exitUsage, "`framescope --help`"},
		{[]string{"--frob"}, exitUsage, "`framescope --help`"},
		{[]string{"serve", "frob"}, exitUsage, "`framescope serve --help`"},
		{[]string{"serve", "--frob"}, exitUsage, "`framescope serve --help`"},
		{[]string{"serve", "--snap", "much"}, exitUsage, "--snap"},
		{[]string{"serve", "--snap", "-1"}, exitUsage, "from 0 to"},
		{[]string{"serve", "--snap", "99999999999"}, exitUsage, "--snap"},
		{[]string{"serve", "--history", "-1"}, exitUsage, "from 0 to"},
		{[]string{"serve", "--max-message-size", "0"}, exitUsage, "from 1 to"},
		{[]string{"serve", "--addr", "8080"}, exitUsage, "give HOST:PORT"},
		{[]string{"serve", "--addr", "127.0.0.1:http2000"}, exitUsage, "0 to 65535"},
		{[]string{"serve", "--addr", "127.0.0.1:65536"}, exitUsage, "0 to 65535"},
		{[]string{"serve", "--allow-origin", "app.example"}, exitUsage, "SCHEME://HOST"},
		{[]string{"serve", "--allow-origin", "https://app.example/"}, exitUsage, "without a path"},
		{[]string{"serve", "--allow-origin", "*"}, exitUsage, "SCHEME://HOST"},
		{[]string{"serve", "--allow-origin", "https://*"}, exitUsage, "https://*.app.example"},
		{[]string{"serve", "--allow-origin", "https://*."}, exitUsage, "https://*.app.example"},
		{[]string{"serve", "--allow-origin", "https://*.*.example"}, exitUsage, "https://*.app.example"},
		{[]string{"serve", "--allow-origin", "https://a.*.example"}, exitUsage, "https://*.app.example"},
		{[]string{"serve", "--allow-origin", "https://a*.example"}, exitUsage, "https://*.app.example"},
		{[]string{"serve", "--allow-origin", "https://*a.example"}, exitUsage, "https://*.app.example"},
		{[]string{"serve", "--allow-origin", "https://*..example"}, exitUsage, "https://*.app.example"},
		{[]string{"serve", "--allow-origin", "https://*.127.0.0.1"}, exitUsage, "https://*.app.example"},
		{[]string{"serve", "--allow-origin", "https://*.app.example:*"}, exitUsage, "SCHEME://HOST"},
		{[]string{"serve", "--allow-origin", "*://app.example"}, exitUsage, "SCHEME://HOST"},
		{[]string{"serve", "--allow-origin", "chrome-extension://*"}, exitUsage, "https://*.app.example"},
		{[]string{"serve", "--allow-origin", "chrome-extension://*.abc"}, exitUsage, "32 letters"},
		{[]string{"serve", "--allow-origin", "chrome-extension://abc"}, exitUsage, "32 letters"},
		{[]string{"serve", "--allow-origin", "chrome-extension://bdhogjfmbiboenakfabebojfmhinfhmk/"}, exitUsage, "without a path"},
		{[]string{"serve", "--allow-origin", "chrome-extension://bdhogjfmbiboenakfabebojfmhinfhmk:80"}, exitUsage, "32 letters"},
		{[]string{"serve", "--allow-origin", "moz-extension://*"}, exitUsage, "https://*.app.example"},
		{[]string{"serve", "--allow-origin", "moz-extension://*.5a8b1c2d-0000-4000-8000-00805f9b34fb"}, exitUsage, "about:debugging"},
		{[]string{"serve", "--allow-origin", "moz-extension://5a8b1c2d"}, exitUsage, "about:debugging"},
		{[]string{"serve", "--allow-origin", "null"}, exitUsage, "SCHEME://HOST"},
		{[]string{"serve", "--allow-host", "*"}, exitUsage, "as in *.app.example"},
		{[]string{"serve", "--allow-host", "a.*.example"}, exitUsage, "as in *.app.example"},
		{[]string{"serve", "--allow-host", "*.example:80"}, exitUsage, "without scheme and port"},
		{[]string{"serve", "--allow-host", "app.example:80"}, exitUsage, "without scheme and port"},
		{[]string{"serve", "--cert", "a.pem"}, exitUsage, "add --key"},
		{[]string{"serve", "--key", "a.pem"}, exitUsage, "add --cert"},
		{[]string{"serve", "--cert", "", "--key", ""}, exitUsage, "the name is empty"},
		{[]string{"serve", "--cert", "a.pem", "--key", "a.pem", "--tls-self-signed"}, exitUsage, "leave it out"},
		{[]string{"serve", "--cert", "/nowhere/c.pem", "--key", "/nowhere/k.pem"}, exitFailed, "cannot read the certificate: "},
		{[]string{"serve", "--cert", "main.go", "--key", "main.go"}, exitFailed, "main.go has no certificate"},
		{[]string{"serve", "--files", "/nowhere/at/all"}, exitFailed, "--files: cannot open the folder: "},
		{[]string{"serve", "--files", "main.go"}, exitFailed, "--files: cannot open the folder: "},
		{[]string{"serve", "--files", "../server", "--cert", "main.go", "--key", "./site/site.go"}, exitFailed, "--key ./site/site.go lies in the folder of --files"},
		{[]string{"serve", "--pages", "/nowhere/at/all"}, exitUsage, "is not a folder"},
		{[]string{"connect"}, exitUsage, "one URL"},
		{[]string{"connect", "http://127.0.0.1/"}, exitUsage, "begins with ws://"},
		{[]string{"connect", "ws://127.0.0.1/", "--header", "nonsense"}, exitUsage, "give NAME: VALUE"},
		{[]string{"connect", "ws://127.0.0.1/", "--timeout", "-1s"}, exitUsage, "--timeout"},
		{[]string{"connect", "ws://127.0.0.1:1/"}, exitFailed, "connection refused"},
		{[]string{"connect", "ws://127.0.0.1:1/", "--header", "Upgrade: x"}, exitUsage, "sets the field Upgrade itself"},
		{[]string{"decode", "a", "b"}, exitUsage, "one file"},
		{[]string{"decode", "--format", "octal"}, exitUsage, "give one of auto, hex"},
		{[]string{"decode", "--from", "both"}, exitUsage, "give one of auto, client"},
		{[]string{"decode", "--payload", "-1"}, exitUsage, "0 or more"},
		{[]string{"decode", "/nowhere/at/all"}, exitFailed, "no such file"},
		{[]string{"serve", "--addr", taken.Addr().String()}, exitFailed, taken.Addr().String() + " is in use: stop what listens there"},
		{[]string{"serve", "--addr", "192.0.2.1:0"}, exitFailed, "is not an address of this machine: choose another"},
	} {
		code, stdout, stderr := invoke(t, test.args...)
		if code != test.code || stdout != "" || !strings.Contains(stderr, test.says) {
			t.Errorf("%q: exit %d, stdout %q, stderr %q; want %d and %q", test.args, code, stdout, stderr, test.code, test.says)
		}
		if !regexp.MustCompile(`^framescope: [^\n]+\n$`).MatchString(stderr) {
			t.Errorf("%q: not one line: %q", test.args, stderr)
		}
	}
}

// A server that listens on a host name answers requests for that name.
func TestHostNames(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:1": "b.test", "[::1]:1": "b.test", ":1": "b.test", "app.test:1": "b.test app.test",
	} {
		c := &config{addr: addr, hosts: []string{"b.test"}}
		if got := strings.Join(c.hostNames(), " "); got != want {
			t.Errorf("%s: %q, want %q", addr, got, want)
		}
	}
}

// Origins may be given in any case and with a default port, and are kept as browsers
// send them.
func TestOriginsAreNormalized(t *testing.T) {
	for given, want := range map[string]string{
		"https://App.Example": "https://app.example", "https://b.example:443": "https://b.example", "HTTP://c.example:80": "http://c.example",
		"http://d.example:443": "http://d.example:443", "https://e.example:8443": "https://e.example:8443",
		"chrome-extension://BDHOGJFMBIBOENAKFABEBOJFMHINFHMK":  "chrome-extension://bdhogjfmbiboenakfabebojfmhinfhmk",
		"moz-extension://5a8b1c2d-0000-4000-8000-00805F9B34FB": "moz-extension://5a8b1c2d-0000-4000-8000-00805f9b34fb",
		"https://*.App.Example:443":                            "https://*.app.example", "http://*.x:8080": "http://*.x:8080",
	} {
		c := defaults()
		c.origins = []string{given}
		if err := c.check(); err != nil || c.origins[0] != want {
			t.Errorf("%s: %v, %v, want %s", given, c.origins, err, want)
		}
	}
}

func TestExposedAddresses(t *testing.T) {
	for addr, want := range map[string]struct {
		exposed bool
		url     string
	}{
		"127.0.0.1:1": {false, "http://127.0.0.1:7/"},
		"localhost:1": {false, "http://localhost:7/"},
		"[::1]:1":     {false, "http://[::1]:7/"},
		":1":          {true, "http://localhost:7/"},
		"0.0.0.0:1":   {true, "http://localhost:7/"},
		"[::]:1":      {true, "http://localhost:7/"},
		"192.0.2.1:1": {true, "http://192.0.2.1:7/"},
		"app.test:1":  {true, "http://app.test:7/"},
	} {
		c := &config{addr: addr}
		if c.exposed() != want.exposed || c.url(7) != want.url {
			t.Errorf("%s: exposed %v, url %s", addr, c.exposed(), c.url(7))
		}
	}
}
