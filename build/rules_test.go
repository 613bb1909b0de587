// The repository's rules, held by tests: who may import what, that everything says what it is for,
// and that nothing lies where it should not.

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// room is one folder of the house and what its sources, tests aside, may import. Of the standard
// library everything, unless a list says otherwise.
type room struct {
	dir      string
	standard []string // nil: all of it
	other    []string // ours, relative to the module, and packages of others
}

var core = []string{
	"bytes", "encoding/base64", "encoding/binary", "errors", "iter", "math", "math/bits", "slices",
	"strconv", "strings", "unicode/utf8",
}

// rooms is the table of the house. A folder that is not in it may not exist: who adds one decides here
// what it may know.
var rooms = []room{
	{"protocol", core, nil},
	{"protocol/feed", core, []string{"protocol"}},
	{"wasm/inspect", append([]string{"encoding/hex", "unsafe", "sort", "unicode"}, core...), []string{"protocol", "protocol/feed"}},
	{"wasm", []string{"runtime", "unsafe"}, []string{"wasm/inspect"}},
	{"server/websocket", nil, []string{"protocol", "server/memory", "github.com/klauspost/compress/flate", "golang.org/x/net/proxy"}},
	{"server/memory", nil, nil},
	{"server/conformance", []string{}, nil}, // tests only
	{"server/websocket/internal/compare", []string{}, nil},
	{"server/tap", nil, []string{"protocol", "protocol/feed", "server/memory"}},
	{"server/soak", []string{}, nil},
	{"server/echo", nil, []string{"protocol", "server/websocket"}},
	{"server/chat", nil, []string{"protocol", "server/websocket"}},
	{"server/watch", nil, []string{"protocol", "server/tap", "server/websocket"}}, // the feed, which is the tap's own app
	{"server/decode", nil, []string{"protocol"}},
	{"server/connect", nil, []string{"protocol", "server/decode", "server/websocket"}},
	{"server/site", nil, nil},
	{"server", nil, []string{
		"protocol", "server/chat", "server/connect", "server/decode", "server/echo", "server/watch", "server/memory", "server/site", "server/tap", "server/websocket", "github.com/spf13/cobra", "github.com/dustin/go-humanize",
	}},
	{"build", nil, []string{"github.com/evanw/esbuild/pkg/api", "github.com/andybalholm/brotli"}},
}

// testOnly may be imported by tests alone.
var testOnly = []string{"github.com/gorilla/websocket", "github.com/chromedp/", "github.com/andybalholm/brotli", "go.uber.org/goleak"}

const module = "framescope"

// root is the top of the repository; tests run in their package's folder.
const root = ".."

// sources lists files by name relative to the root, without what is made or installed.
func sources(t *testing.T, extensions ...string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if d.IsDir() {
			if slices.Contains([]string{".git", "bin", "node_modules", "dist", "testdata"}, d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if slices.Contains(extensions, path.Ext(name)) {
			names = append(names, name)
		}
		return nil
	})
	if err != nil || len(names) == 0 {
		t.Fatalf("no sources found: %v", err)
	}
	return names
}

func content(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func parse(t *testing.T, name string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), name, content(t, name), parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// nested tells whether a file is of a module of its own, which is no room: its
// go.mod says what it may import.
func nested(name string) bool {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(dir), "go.mod")); err == nil {
			return true
		}
	}
	return false
}

func isTest(name string) bool { return strings.HasSuffix(name, "_test.go") }

func TestImportFences(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range sources(t, ".go") {
		if nested(name) {
			continue
		}
		dir := path.Dir(name)
		at := slices.IndexFunc(rooms, func(r room) bool { return r.dir == dir })
		if at < 0 {
			t.Errorf("%s: this folder is no room of the house; see the table in build/rules_test.go", name)
			continue
		}
		seen[dir] = true
		if isTest(name) {
			continue
		}
		for _, spec := range parse(t, name).Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if !rooms[at].mayImport(imported) {
				t.Errorf("%s: %s may not import %s", name, dir, imported)
			}
		}
	}
	for _, r := range rooms {
		if !seen[r.dir] {
			t.Errorf("%s is in the table, but not in the house", r.dir)
		}
	}
}

func (r room) mayImport(imported string) bool {
	if ours, ok := strings.CutPrefix(imported, module+"/"); ok {
		return slices.Contains(r.other, ours)
	}
	first, _, _ := strings.Cut(imported, "/")
	if strings.Contains(first, ".") {
		return slices.Contains(r.other, imported)
	}
	return r.standard == nil || slices.Contains(r.standard, imported)
}

// TestCoreKnowsNoOutside: what the protocol's imports import in turn counts too.
func TestCoreKnowsNoOutside(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "../protocol", "../protocol/feed", "../wasm/inspect").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dependency := range strings.FieldsSeq(string(out)) {
		switch dependency {
		case "net", "os", "fmt", "encoding/json", "syscall", "syscall/js", "time", "crypto/sha1", "log", "log/slog":
			t.Errorf("protocol, its feed or the inspector depends on %s", dependency)
		}
	}
}

func TestTestPackagesStayInTests(t *testing.T) {
	for _, name := range sources(t, ".go") {
		if isTest(name) || path.Dir(name) == "build" {
			continue
		}
		for _, spec := range parse(t, name).Imports {
			for _, banned := range testOnly {
				if strings.HasPrefix(strings.Trim(spec.Path.Value, `"`), banned) {
					t.Errorf("%s imports %s, which is for tests", name, spec.Path.Value)
				}
			}
		}
	}
}

func TestEveryPackageIsDocumented(t *testing.T) {
	documents := map[string]int{}
	for _, name := range sources(t, ".go") {
		if isTest(name) {
			continue
		}
		f := parse(t, name)
		documents[path.Dir(name)] += 0
		if f.Doc == nil {
			continue
		}
		documents[path.Dir(name)]++
		want := "Package " + f.Name.Name + " "
		if f.Name.Name == "main" {
			want = "Command "
		}
		if !strings.HasPrefix(f.Doc.Text(), want) {
			t.Errorf("%s: the package comment begins with %.30q, want %q", name, f.Doc.Text(), want)
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(documents)) {
		if documents[dir] != 1 {
			t.Errorf("%s has %d package comments, want one", dir, documents[dir])
		}
	}
}

// TestEveryFileSaysWhatItIsFor: the first line is a comment, a build constraint aside.
func TestEveryFileSaysWhatItIsFor(t *testing.T) {
	for _, name := range sources(t, ".go", ".ts", ".tsx", ".js", ".mjs", ".css", ".sh") {
		text := content(t, name)
		for strings.HasPrefix(text, "//go:build ") || strings.HasPrefix(text, "#!") {
			_, text, _ = strings.Cut(text, "\n")
			text = strings.TrimLeft(text, "\n")
		}
		first, _, _ := strings.Cut(text, "\n")
		opener := map[string]string{".css": "/*", ".sh": "# "}[path.Ext(name)]
		if opener == "" {
			opener = "//"
		}
		if !strings.HasPrefix(first, opener) && !strings.HasPrefix(first, "/*") {
			t.Errorf("%s: the first line does not say what the file is responsible for", name)
		}
	}
}

func TestNothingIsSkippedOrLeftForLater(t *testing.T) {
	// Put together here, so that this file does not hold them.
	var marks []string
	for _, pair := range [][2]string{
		{"t.Sk", "ip"}, {"b.Sk", "ip"}, {".sk", "ip("}, {".on", "ly("}, {"TO", "DO"}, {"FIX", "ME"}, {"no", "lint"}, {"//lint:", "ignore"}, {"@ts-", "ignore"}, {"@ts-", "nocheck"},
	} {
		marks = append(marks, pair[0]+pair[1])
	}
	for _, name := range sources(t, ".go", ".ts", ".tsx", ".css") {
		text := content(t, name)
		for _, mark := range marks {
			if strings.Contains(text, mark) {
				t.Errorf("%s holds %q", name, mark)
			}
		}
	}
}

func TestTopLevel(t *testing.T) {
	allowed := []string{
		"ARCHITECTURE.md", "CHANGELOG.md", "LICENSE", "Makefile", "README.md", "SECURITY.md", "go.mod", "go.sum", "staticcheck.conf",
		"bin", "build", "docs", "frontend", "protocol", "server", "wasm",
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(allowed, e.Name()) {
			t.Errorf("%s does not belong at the top of the repository", e.Name())
		}
	}
}
