// Bundling with esbuild: the page's script and styles, and the parts that it loads later.

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/evanw/esbuild/pkg/api"
)

// kind has the options in which bundles differ.
type kind struct {
	minified   bool
	reloads    bool   // source maps, and a page that reloads itself
	node       bool   // for Node.js instead of a browser
	splits     bool   // what import() names becomes a file of its own
	entryNames string // esbuild's pattern for the names of entries
	publicPath string // prefix of the URLs of assets
}

var (
	shipped = kind{minified: true, splits: true, entryNames: "assets/[name]-[hash]", publicPath: "/"}
	working = kind{reloads: true, splits: true, entryNames: "assets/[name]-[hash]", publicPath: "/"}
)

// bundle collects the output of esbuild: of one build, and of the builds of workers in it.
type bundle struct {
	paths
	kind
	mutex  sync.Mutex // esbuild calls plugins from many goroutines
	files  tree
	legal  map[string][]byte // legal comments, by the file from which they were taken
	inputs map[string]bool   // every source file that was used, relative to the root
	script string            // the page's script, a name in files
	style  string            // the page's style sheet, a name in files
	shared []string          // scripts that the page's script imports when it starts, names in files
	later  map[string]bool   // files that are loaded only when a part of the page needs them
}

const pageEntry = "frontend/src/main.tsx"

// bundleAll bundles the entries, whose names are relative to the root.
func bundleAll(p paths, k kind, entries ...string) (*bundle, error) {
	b := &bundle{paths: p, kind: k, files: tree{}, legal: map[string][]byte{}, inputs: map[string]bool{}, later: map[string]bool{}}
	options := b.options(entries...)
	options.Splitting = k.splits
	meta, err := b.collect(api.Build(options))
	if err != nil {
		return nil, err
	}
	for name, output := range meta.Outputs {
		if output.EntryPoint == pageEntry {
			b.script = b.outputName(name)
			if output.CSSBundle != "" {
				b.style = b.outputName(output.CSSBundle)
			}
			b.findLater(meta, name)
		}
	}
	return b, nil
}

// findLater divides the outputs into those that the page needs to start and those that only
// import() reaches, style sheets included.
func (b *bundle) findLater(meta metafile, entry string) {
	needed := map[string]bool{entry: true, meta.Outputs[entry].CSSBundle: true}
	for open := []string{entry}; len(open) > 0; open = open[1:] {
		for _, i := range meta.Outputs[open[0]].Imports {
			if i.Kind == "dynamic-import" || needed[i.Path] {
				continue
			}
			needed[i.Path] = true
			open = append(open, i.Path)
			if i.Kind == "import-statement" {
				b.shared = append(b.shared, b.outputName(i.Path))
			}
		}
	}
	slices.Sort(b.shared)
	for name := range meta.Outputs {
		b.later[b.outputName(name)] = !needed[name]
	}
}

// options returns the options of esbuild, the same for the page and for its workers.
func (b *bundle) options(entries ...string) api.BuildOptions {
	o := api.BuildOptions{
		AbsWorkingDir: b.root,
		EntryPoints:   entries,
		Outdir:        "/",
		EntryNames:    b.entryNames,
		AssetNames:    "assets/[name]-[hash]",
		ChunkNames:    "assets/[name]-[hash]",
		PublicPath:    b.publicPath,
		Bundle:        true,
		Metafile:      true,
		Format:        api.FormatESModule,
		Target:        api.ES2022,
		LegalComments: api.LegalCommentsExternal,
		LogLevel:      api.LogLevelSilent,
		Loader:        map[string]api.Loader{".wasm": api.LoaderFile, ".svg": api.LoaderFile},
		Plugins:       []api.Plugin{b.workers(), b.styles(), b.module()},
	}
	o.MinifyWhitespace, o.MinifyIdentifiers, o.MinifySyntax = b.minified, b.minified, b.minified
	if b.reloads {
		o.Sourcemap = api.SourceMapInline
	}
	if b.node {
		o.Platform = api.PlatformNode
		o.OutExtension = map[string]string{".js": ".mjs"} // no package.json says that it is a module
	}
	return o
}

// metafile is the part of esbuild's description of a build that is used here.
type metafile struct {
	Inputs  map[string]struct{}
	Outputs map[string]struct {
		EntryPoint string
		CSSBundle  string
		Imports    []struct{ Path, Kind string }
	}
}

// collect adds the output of one build.
func (b *bundle) collect(r api.BuildResult) (m metafile, err error) {
	if len(r.Errors) > 0 {
		return m, esbuildError(r.Errors)
	}
	if err := json.Unmarshal([]byte(r.Metafile), &m); err != nil {
		return m, fmt.Errorf("build: esbuild's metafile: %w", err)
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for _, f := range r.OutputFiles {
		name := b.outputName(f.Path)
		if of, ok := strings.CutSuffix(name, ".LEGAL.txt"); ok {
			b.legal[of] = f.Contents
			continue
		}
		b.files[name] = f.Contents
	}
	for input := range m.Inputs {
		b.inputs[input] = true
	}
	return m, nil
}

// outputName returns the slash-separated name of an output file. esbuild's path of it may be
// absolute, or relative to the working directory; a build in memory has the folder "/".
func (b *bundle) outputName(path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(b.root, path)
	}
	return strings.TrimPrefix(filepath.ToSlash(path), "/")
}

// esbuildError returns esbuild's messages as an error, a line for each: file:line:column:
// text.
func esbuildError(messages []api.Message) error {
	var lines []string
	for _, m := range messages {
		line := "build: " + m.Text
		if at := m.Location; at != nil {
			line = fmt.Sprintf("%s:%d:%d: %s", at.File, at.Line, at.Column+1, m.Text)
		}
		lines = append(lines, strings.ReplaceAll(line, "\n", " "))
	}
	return errors.New(strings.Join(lines, "\n"))
}

// sources returns the inputs, sorted so that every build has the same result.
func (b *bundle) sources() []string { return slices.Sorted(maps.Keys(b.inputs)) }
