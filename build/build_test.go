// Tests of the page's build on a small page of its own.

package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
)

// smallPage is a repository with just what a page needs: entry, style, worker, module, template.
func smallPage(t *testing.T) paths {
	t.Helper()
	root := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		if err := writeFile(filepath.Join(root, name), []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module framescope\n")
	write("LICENSE", "our licence\n")
	write("bin/framescope.wasm", "\x00asm"+strings.Repeat("wasm ", 1000))
	write("frontend/index.html", `<!doctype html><html><head><title>t</title><link rel="icon" href="favicon.svg"></head>`+
		`<body><a href="https://example.com/">x</a><script type="module" src="src/main.tsx"></script></body></html>`)
	write("frontend/favicon.svg", "<svg/>")
	write("frontend/src/main.tsx", `import "./main.css"
import { thing } from "thing"
import worker from "worker:./worker/worker.ts"
new Worker(worker, { name: thing })
`)
	write("frontend/src/main.css", "body { color: red }\n")
	write("frontend/src/worker/worker.ts", `import wasm from "wasm:framescope"
const url: string = wasm
fetch(url)
`)
	write("frontend/node_modules/thing/package.json", `{"name":"thing","main":"index.js"}`)
	write("frontend/node_modules/thing/index.js", "/*! the thing's legal comment */\nexport const thing = \"thing\"\n")
	write("frontend/node_modules/thing/LICENSE", "the thing's licence\n")
	p, err := newPaths(root, "server/site/dist")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustMakePage(t *testing.T, p paths, k kind) tree {
	t.Helper()
	files, err := makePage(p, k)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// one finds the file whose name has the pattern, with a hash where the pattern has an asterisk.
func one(t *testing.T, files tree, pattern string) (name, content string) {
	t.Helper()
	want := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `[0-9A-Z]{8}`) + "$")
	for n, c := range files {
		if want.MatchString(n) {
			if name != "" {
				t.Fatalf("two files match %s: %s and %s", pattern, name, n)
			}
			name, content = n, string(c)
		}
	}
	if name == "" {
		t.Fatalf("no file matches %s", pattern)
	}
	return name, content
}

func TestPageNamesEveryFileByItsHash(t *testing.T) {
	files := mustMakePage(t, smallPage(t), shipped)
	scriptName, script := one(t, files, "assets/main-*.js")
	styleName, _ := one(t, files, "assets/main-*.css")
	iconName, _ := one(t, files, "assets/favicon-*.svg")
	noticesName, notices := one(t, files, "assets/licences-*.txt")
	workerName, worker := one(t, files, "assets/worker-*.js")
	moduleName, _ := one(t, files, "assets/framescope-*.wasm")

	index := string(files[indexName])
	for _, name := range []string{scriptName, styleName, iconName, noticesName} {
		if !strings.Contains(index, `"/`+name+`"`) {
			t.Errorf("index.html does not name %s:\n%s", name, index)
		}
	}
	if !strings.Contains(index, `href="https://example.com/"`) {
		t.Error("a reference to another site was changed")
	}
	if !strings.Contains(script, "/"+workerName) {
		t.Errorf("the script does not name the worker %s:\n%s", workerName, script)
	}
	if !strings.Contains(worker, "/"+moduleName) {
		t.Errorf("the worker does not name the module %s:\n%s", moduleName, worker)
	}
	for _, want := range []string{"our licence", "The Go Authors", "the thing's licence", "the thing's legal comment"} {
		if !strings.Contains(notices, want) {
			t.Errorf("the notices lack %q", want)
		}
	}
	if len(files) != 7 {
		t.Errorf("%d files, want 7", len(files))
	}
	if regexp.MustCompile(`<style|style=|<script>|\son\w+=`).MatchString(index) {
		t.Errorf("something inline, which the Content-Security-Policy forbids:\n%s", index)
	}
}

func TestPartsAreLoadedLater(t *testing.T) {
	p := smallPage(t)
	for name, content := range map[string]string{
		"frontend/src/main.tsx": "import { thing } from 'thing'\nconsole.log(thing)\nimport('./part/part').then((m) => m.show())\n",
		"frontend/src/part/part.tsx": "import style from 'style:./part.css'\nimport { thing } from 'thing'\n" +
			"export const show = () => console.log(style, thing, 'only in the part')\n",
		"frontend/src/part/part.css":            "@import 'thing/thing.css';\n.part { color:   blue }\n",
		"frontend/node_modules/thing/thing.css": ".thing { color: green }\n",
	} {
		if err := writeFile(filepath.Join(p.root, name), []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	b, err := bundleAll(p, shipped, pageEntry)
	if err != nil {
		t.Fatal(err)
	}
	files, err := b.page()
	if err != nil {
		t.Fatal(err)
	}
	mainName, main := one(t, files, "assets/main-*.js")
	sharedName, _ := one(t, files, "assets/chunk-*.js")
	partName, part := one(t, files, "assets/part-*.js")
	styleName, style := one(t, files, "assets/part-*.css")
	for _, name := range []string{mainName, sharedName} {
		if b.later[name] || !strings.Contains(string(files[indexName]), `"/`+name+`"`) {
			t.Errorf("%s is needed at once, and index.html does not name it:\n%s", name, files[indexName])
		}
	}
	for _, name := range []string{partName, styleName} {
		if !b.later[name] || strings.Contains(string(files[indexName]), name) {
			t.Errorf("%s is loaded at once:\n%s", name, files[indexName])
		}
	}
	if strings.Contains(main, "only in the part") || !strings.Contains(part, "/"+styleName) {
		t.Errorf("the part is not for itself:\n%s\n%s", main, part)
	}
	if !strings.Contains(style, ".thing{") || !strings.Contains(style, ".part{") {
		t.Errorf("the style sheet lacks a part, or is not minified: %s", style)
	}
}

func TestChangeChangesTheIndex(t *testing.T) {
	p := smallPage(t)
	before := mustMakePage(t, p, working)
	one(t, before, "assets/reload-*.js")
	if again := mustMakePage(t, p, working); !bytes.Equal(before[indexName], again[indexName]) {
		t.Error("two builds of the same sources differ")
	}
	if err := writeFile(p.wasm(), []byte("\x00asm other")); err != nil {
		t.Fatal(err)
	}
	if after := mustMakePage(t, p, working); bytes.Equal(before[indexName], after[indexName]) {
		t.Error("another module, but the same index.html: an open page would not reload")
	}
}

func TestBundlesForTests(t *testing.T) {
	p := smallPage(t)
	for name, content := range map[string]string{
		"frontend/test/a.test.ts":  "import wasm from 'wasm:framescope'\nconsole.log(wasm)\n",
		"frontend/bench/ingest.ts": "import wasm from 'wasm:framescope'\nexport const url: string = wasm\n",
	} {
		if err := writeFile(filepath.Join(p.root, name), []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := bundleTests(p); err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join(p.bin, "test/a.test.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	url := regexp.MustCompile(`file://(/[^"]+\.wasm)`).FindSubmatch(script)
	if url == nil {
		t.Fatalf("the test does not know where the module is:\n%s", script)
	}
	if _, err := os.Stat(string(url[1])); err != nil {
		t.Error(err)
	}
	index, err := os.ReadFile(filepath.Join(p.bin, "bench", indexName))
	if err != nil || !bytes.Contains(index, []byte(`src="/ingest.js"`)) {
		t.Errorf("%v, %s", err, index)
	}
}

func TestErrorsSayWhere(t *testing.T) {
	for _, test := range []struct{ file, content, want string }{
		{"frontend/src/main.tsx", "const a = 1\nconst = 2\n", `^frontend/src/main\.tsx:2:7: .+$`},
		{"frontend/src/worker/worker.ts", "\nimport './nowhere'\n", `^frontend/src/worker/worker\.ts:2:8: Could not resolve "\./nowhere"$`},
		{"frontend/index.html", "<html><head></head></html>", `^build: frontend/index\.html does not load the page`},
	} {
		p := smallPage(t)
		if err := writeFile(filepath.Join(p.root, test.file), []byte(test.content)); err != nil {
			t.Fatal(err)
		}
		_, err := makePage(p, shipped)
		if err == nil || !regexp.MustCompile(test.want).MatchString(err.Error()) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %q, want one line like %s", test.file, err, test.want)
		}
	}
}

func TestGoErrorsSayWhere(t *testing.T) {
	p := smallPage(t)
	if err := writeFile(filepath.Join(p.root, "wasm/main.go"), []byte("package main\n\nfunc main() { undefinedThing() }\n")); err != nil {
		t.Fatal(err)
	}
	err := compileWASM(t.Context(), p)
	if err == nil || !regexp.MustCompile(`^wasm/main\.go:3:15: undefined: undefinedThing$`).MatchString(err.Error()) {
		t.Errorf("error %q", err)
	}
}

func TestCommandFailsInOneLine(t *testing.T) {
	empty := t.TempDir()
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--root", empty}, 1, "build: " + empty + "/go.mod is missing: run it from the top of the repository, or give --root\n"},
		{[]string{"extra"}, 2, "build: no argument expected, got \"extra\"\n"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(context.Background(), test.args, &stdout, &stderr)
		if code != test.code || stderr.String() != test.want {
			t.Errorf("%q: exit %d, %q", test.args, code, stderr.String())
		}
	}
}

func TestCompressedTwins(t *testing.T) {
	cache := t.TempDir()
	files := tree{"a.txt": bytes.Repeat([]byte("framescope "), 500), "tiny": []byte("x")}
	packed, err := compress(files, cache)
	if err != nil {
		t.Fatal(err)
	}
	if len(packed) != 4 {
		t.Errorf("%d files, want the two, and two twins of the first", len(packed))
	}
	br, err := io.ReadAll(brotli.NewReader(bytes.NewReader(packed["a.txt.br"])))
	if err != nil || !bytes.Equal(br, files["a.txt"]) {
		t.Errorf("brotli twin: %v", err)
	}
	gz, err := gzip.NewReader(bytes.NewReader(packed["a.txt.gz"]))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := io.ReadAll(gz); err != nil || !bytes.Equal(plain, files["a.txt"]) {
		t.Errorf("gzip twin: %v", err)
	}
	again, err := compress(files, cache)
	if err != nil || !bytes.Equal(again["a.txt.br"], packed["a.txt.br"]) {
		t.Errorf("from the cache: %v", err)
	}
	if _, err := compress(tree{}, cache); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(cache); len(left) > 0 {
		t.Errorf("the cache keeps %d files that no build needs", len(left))
	}
}

func TestWriteTree(t *testing.T) {
	dir := t.TempDir()
	first := tree{indexName: []byte("1"), "assets/a": []byte("a"), "assets/b": []byte("b")}
	for _, name := range []string{".gitkeep", "stale"} {
		if err := writeFile(filepath.Join(dir, name), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeTree(dir, first); err != nil {
		t.Fatal(err)
	}
	past := time.Now().Add(-time.Hour).Truncate(time.Second)
	if err := os.Chtimes(filepath.Join(dir, "assets/a"), past, past); err != nil {
		t.Fatal(err)
	}
	if err := writeTree(dir, tree{indexName: []byte("2"), "assets/a": []byte("a")}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "assets/a")); err != nil || !info.ModTime().Equal(past) {
		t.Errorf("a file that was right was written again: %v", err)
	}
	for name, want := range map[string]bool{".gitkeep": true, indexName: true, "stale": false, "assets/b": false} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s exists: %v, want %v", name, err == nil, want)
		}
	}
}

func TestSourceSetSeesChanges(t *testing.T) {
	dir := t.TempDir()
	name := func(i int) string { return filepath.Join(dir, fmt.Sprintf("f%d.go", i)) }
	set := sourceSet{dirs: []string{dir}, wanted: goSource}
	steps := []struct {
		what   string
		do     func() error
		differ bool
	}{
		{"first look", func() error { return nil }, false},
		{"nothing", func() error { return nil }, false},
		{"new file", func() error { return writeFile(name(1), []byte("1")) }, true},
		{"longer", func() error { return writeFile(name(1), []byte("22")) }, true},
		{"a test", func() error { return writeFile(filepath.Join(dir, "x_test.go"), nil) }, false},
		{"gone", func() error { return os.Remove(name(1)) }, true},
	}
	for _, s := range steps {
		if err := s.do(); err != nil {
			t.Fatal(err)
		}
		if got := set.changed(); got != s.differ {
			t.Errorf("%s: changed %v", s.what, got)
		}
	}
}
