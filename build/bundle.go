// Bundling with esbuild: the page's script and styles, and what they import by `worker:` and `wasm:`.

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

// kind is what a bundle is for.
type kind struct {
	minified   bool
	reloads    bool   // source maps, and a page that reloads itself
	node       bool   // for Node.js instead of a browser
	entryNames string // esbuild's pattern
	publicPath string // what the URLs of assets begin with
}

var (
	shipped = kind{minified: true, entryNames: "assets/[name]-[hash]", publicPath: "/"}
	working = kind{reloads: true, entryNames: "assets/[name]-[hash]", publicPath: "/"}
)

// bundle collects what esbuild made, from one build and the workers' nested in it.
type bundle struct {
	paths
	kind
	mutex  sync.Mutex // esbuild calls plugins from many goroutines
	files  tree
	legal  map[string][]byte // legal comments, by the file that they were taken from
	inputs map[string]bool   // every source file that went in, relative to the root
	script string            // names of the page's entries in files
	style  string
}

const pageEntry = "frontend/src/main.tsx"

// bundleAll builds the entries, which are named relative to the root.
func bundleAll(p paths, k kind, entries ...string) (*bundle, error) {
	b := &bundle{paths: p, kind: k, files: tree{}, legal: map[string][]byte{}, inputs: map[string]bool{}}
	meta, err := b.take(api.Build(b.options(entries...)))
	if err != nil {
		return nil, err
	}
	for name, output := range meta.Outputs {
		if output.EntryPoint == pageEntry {
			b.script = b.named(name)
			if output.CSSBundle != "" {
				b.style = b.named(output.CSSBundle)
			}
		}
	}
	return b, nil
}

// options are the same for the page and for its workers.
func (b *bundle) options(entries ...string) api.BuildOptions {
	o := api.BuildOptions{
		AbsWorkingDir: b.root,
		EntryPoints:   entries,
		Outdir:        "/",
		EntryNames:    b.entryNames,
		AssetNames:    "assets/[name]-[hash]",
		PublicPath:    b.publicPath,
		Bundle:        true,
		Metafile:      true,
		Format:        api.FormatESModule,
		Target:        api.ES2022,
		LegalComments: api.LegalCommentsExternal,
		LogLevel:      api.LogLevelSilent,
		Loader:        map[string]api.Loader{".wasm": api.LoaderFile, ".svg": api.LoaderFile},
		Plugins:       []api.Plugin{b.workers(), b.module()},
	}
	o.MinifyWhitespace, o.MinifyIdentifiers, o.MinifySyntax = b.minified, b.minified, b.minified
	if b.reloads {
		o.Sourcemap = api.SourceMapInline
	}
	if b.node {
		o.Platform = api.PlatformNode
		o.OutExtension = map[string]string{".js": ".mjs"} // there is no package.json beside it to say so
	}
	return o
}

// metafile is the part of esbuild's description of a build that is used here.
type metafile struct {
	Inputs  map[string]struct{}
	Outputs map[string]struct {
		EntryPoint string
		CSSBundle  string
	}
}

// take adds the outcome of one build.
func (b *bundle) take(r api.BuildResult) (m metafile, err error) {
	if len(r.Errors) > 0 {
		return m, complaint(r.Errors)
	}
	if err := json.Unmarshal([]byte(r.Metafile), &m); err != nil {
		return m, fmt.Errorf("build: esbuild's metafile: %w", err)
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for _, f := range r.OutputFiles {
		name := b.named(f.Path)
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

// named makes a slash-separated name below the bundle's folder of a path that esbuild writes either
// absolute or relative to the working directory; the folder is "/" while a build is in memory.
func (b *bundle) named(path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(b.root, path)
	}
	return strings.TrimPrefix(filepath.ToSlash(path), "/")
}

// workers bundles what is imported as `worker:./file.ts` on its own; the import's value is its URL.
func (b *bundle) workers() api.Plugin {
	return api.Plugin{Name: "worker", Setup: func(build api.PluginBuild) {
		build.OnResolve(api.OnResolveOptions{Filter: `^worker:`}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
			source := filepath.Join(a.ResolveDir, strings.TrimPrefix(a.Path, "worker:"))
			script := strings.TrimSuffix(source, filepath.Ext(source)) + ".js"
			return api.OnResolveResult{Path: script, Namespace: "worker", PluginData: source}, nil
		})
		build.OnLoad(api.OnLoadOptions{Filter: `.`, Namespace: "worker"}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
			nested := api.Build(b.options(a.PluginData.(string)))
			if len(nested.Errors) > 0 {
				return api.OnLoadResult{Errors: nested.Errors}, nil
			}
			script, rest := split(nested.OutputFiles)
			nested.OutputFiles = rest
			if _, err := b.take(nested); err != nil {
				return api.OnLoadResult{}, err
			}
			return api.OnLoadResult{Contents: &script, Loader: api.LoaderFile}, nil
		})
	}}
}

// split separates a worker's script, which gets its name from the build that imports it, from the rest.
func split(files []api.OutputFile) (script string, rest []api.OutputFile) {
	for _, f := range files {
		if strings.HasSuffix(f.Path, "js") { // .mjs for Node.js
			script = string(f.Contents)
		} else {
			rest = append(rest, f)
		}
	}
	return script, rest
}

// module makes `wasm:framescope` the URL of the compiled module.
func (b *bundle) module() api.Plugin {
	return api.Plugin{Name: "wasm", Setup: func(build api.PluginBuild) {
		build.OnResolve(api.OnResolveOptions{Filter: `^wasm:framescope$`}, func(api.OnResolveArgs) (api.OnResolveResult, error) {
			return api.OnResolveResult{Path: b.wasm()}, nil
		})
	}}
}

// complaint is esbuild's errors, one line each: file:line:column: text.
func complaint(messages []api.Message) error {
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

// sources gives the inputs in order, so that what is made of them is the same every time.
func (b *bundle) sources() []string { return slices.Sorted(maps.Keys(b.inputs)) }
