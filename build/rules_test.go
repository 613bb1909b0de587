// The repository's rules, held by tests: which package may import which, that everything says what
// it is for, and that nothing lies where it should not.

package main

import (
	"fmt"
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

// fence is a package and what its files, tests aside, may import.
type fence struct {
	dir      string
	standard []string // of the standard library; nil for all of it
	other    []string // ours, relative to the module, and packages of others
}

// fences is every package of the module. Each import that is named is used, and ARCHITECTURE.md's
// table of packages says the same.
var fences = []fence{
	{"protocol", []string{"bytes", "encoding/binary", "iter", "math", "math/bits", "slices", "strconv", "strings", "unicode/utf8"}, nil},
	{"protocol/feed", []string{"encoding/binary", "iter", "math"}, []string{"protocol"}},
	{"wasm/inspect", []string{"cmp", "encoding/binary", "math", "slices", "strconv", "strings", "unicode/utf8", "unsafe"}, []string{"protocol", "protocol/feed"}},
	{"wasm", []string{"runtime", "unsafe"}, []string{"wasm/inspect"}},
	{"server/websocket", nil, []string{"protocol", "server/memory", "github.com/klauspost/compress/flate", "golang.org/x/net/http2", "golang.org/x/net/proxy"}},
	{"server/extendedconnect", []string{"os"}, nil},
	{"server/memory", nil, nil},
	{"server/conformance", []string{}, nil}, // tests only
	{"server/websocket/internal/compare", []string{}, nil},
	{"server/tap", nil, []string{"protocol", "protocol/feed", "server/memory"}},
	{"server/soak", []string{}, nil},
	{"server/echo", nil, []string{"protocol", "server/websocket"}},
	{"server/hub", nil, nil},
	{"server/transports", nil, []string{"protocol", "server/websocket", "golang.org/x/sys/unix"}},
	{"server/hub/nats", nil, []string{"server/hub", "github.com/nats-io/nats.go"}},
	{"server/lines", nil, []string{"server/chat", "server/memory", "golang.org/x/time/rate"}},
	{"server/push", nil, []string{"protocol", "server/hub", "server/websocket", "github.com/go-json-experiment/json", "github.com/go-json-experiment/json/jsontext", "golang.org/x/time/rate"}},
	{"server/chat", nil, []string{"protocol", "server/hub", "server/websocket", "golang.org/x/time/rate"}},
	{"server/watch", nil, []string{"protocol", "server/tap", "server/websocket"}},
	{"server/decode", nil, []string{"protocol"}},
	{"server/socketio", nil, []string{"server/engineio", "server/hub", "server/memory", "github.com/go-json-experiment/json", "github.com/go-json-experiment/json/jsontext"}},
	{"server/socketio/demo", nil, []string{"server/socketio", "golang.org/x/time/rate"}},
	{"server/engineio", nil, []string{"protocol", "server/memory", "server/websocket"}},
	{"server/connect", nil, []string{"protocol", "server/decode", "server/websocket"}},
	{"server/site", nil, nil},
	{"server/files", nil, nil},
	{"server/secure", nil, []string{"server/memory"}},
	{"server", nil, []string{
		"protocol", "server/chat", "server/connect", "server/decode", "server/echo", "server/engineio", "server/extendedconnect", "server/files", "server/hub", "server/hub/nats", "server/lines", "server/memory", "server/push", "server/secure", "server/site", "server/socketio", "server/socketio/demo", "server/tap", "server/transports",
		"server/watch", "server/websocket", "github.com/dustin/go-humanize", "github.com/spf13/cobra", "github.com/spf13/pflag",
	}},
	{"build", nil, []string{"github.com/andybalholm/brotli", "github.com/evanw/esbuild/pkg/api"}},
}

// testOnly may be imported by tests alone.
var testOnly = []string{"github.com/gorilla/websocket", "github.com/chromedp/", "github.com/andybalholm/brotli", "go.uber.org/goleak", "github.com/nats-io/nats-server"}

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

// nested reports whether a file is in a module of its own, which has no fence: its go.mod says what
// it may import.
func nested(name string) bool {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(dir), "go.mod")); err == nil {
			return true
		}
	}
	return false
}

func isTest(name string) bool { return strings.HasSuffix(name, "_test.go") }

// TestImportFences: a package imports what its fence names, and all of it.
func TestImportFences(t *testing.T) {
	imports := map[string]map[string]bool{} // by package, what its files import
	for _, name := range sources(t, ".go") {
		if nested(name) {
			continue
		}
		dir := path.Dir(name)
		if imports[dir] == nil {
			imports[dir] = map[string]bool{}
		}
		if isTest(name) {
			continue
		}
		for _, imported := range importsOf(t, name) {
			imports[dir][imported] = true
		}
	}
	for _, f := range fences {
		used, exists := imports[f.dir]
		if !exists {
			t.Errorf("%s has a fence, but there is no such package", f.dir)
		}
		delete(imports, f.dir)
		for _, problem := range f.problems(used) {
			t.Error(problem)
		}
	}
	for dir := range imports {
		t.Errorf("%s has no fence: add it to fences in build/rules_test.go and to the table in ARCHITECTURE.md", dir)
	}
}

// importsOf is what a file imports, ours relative to the module.
func importsOf(t *testing.T, name string) (imported []string) {
	t.Helper()
	for _, spec := range parse(t, name).Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		imported = append(imported, strings.TrimPrefix(p, module+"/"))
	}
	return imported
}

// problems says what of the imports the fence does not allow, and what it allows needlessly.
func (f fence) problems(used map[string]bool) (all []string) {
	for _, imported := range slices.Sorted(maps.Keys(used)) {
		if !f.allows(imported) {
			all = append(all, fmt.Sprintf("%s may not import %s", f.dir, imported))
		}
	}
	for _, imported := range slices.Concat(f.standard, f.other) {
		if !used[imported] {
			all = append(all, fmt.Sprintf("%s may import %s and does not: take it out of its fence", f.dir, imported))
		}
	}
	return all
}

func (f fence) allows(imported string) bool {
	if slices.Contains(f.other, imported) || slices.Contains(f.standard, imported) {
		return true
	}
	return f.standard == nil && isStandard(imported)
}

// isStandard: packages of others have a host name with a dot, ours lie in a folder of the module.
func isStandard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	if strings.Contains(first, ".") {
		return false
	}
	_, err := os.Stat(filepath.Join(root, first))
	return err != nil
}

func TestFencesBite(t *testing.T) {
	f := fence{"a", []string{"bytes"}, []string{"protocol"}}
	used := map[string]bool{"bytes": true, "os": true, "server/tap": true, "github.com/x/y": true}
	want := []string{
		"a may not import github.com/x/y", "a may not import os", "a may not import server/tap",
		"a may import protocol and does not: take it out of its fence",
	}
	if got := f.problems(used); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	f.standard = nil
	if got := f.problems(map[string]bool{"os": true, "net/http": true, "protocol": true, "server": true}); !slices.Equal(got, []string{"a may not import server"}) {
		t.Errorf("%q", got)
	}
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

// TestTestPackagesStayInTests: in every module here, that of the benchmarks too. build compresses
// with brotli, and is no part of the product.
func TestTestPackagesStayInTests(t *testing.T) {
	for _, name := range sources(t, ".go") {
		if isTest(name) {
			continue
		}
		for _, imported := range importsOf(t, name) {
			for _, banned := range testOnly {
				if strings.HasPrefix(imported, banned) && !(path.Dir(name) == "build" && strings.HasSuffix(banned, "/brotli")) {
					t.Errorf("%s imports %s, which is for tests", name, imported)
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
