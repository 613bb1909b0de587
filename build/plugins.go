// Plugins of esbuild: imports with the prefixes `worker:`, `style:` and `wasm:`, whose values are URLs.

package main

import (
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// workers returns a plugin that makes a separate bundle of a file that is imported as
// `worker:./file.ts`. The value of the import is the URL of the bundle.
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
			script, others := splitScript(nested.OutputFiles)
			nested.OutputFiles = others
			if _, err := b.collect(nested); err != nil {
				return api.OnLoadResult{}, err
			}
			return api.OnLoadResult{Contents: &script, Loader: api.LoaderFile}, nil
		})
	}}
}

// styles returns a plugin that makes a separate style sheet of a file that is imported as
// `style:./file.css`. The value of the import is its URL: esbuild itself would not load the
// styles of a script that the page imports later.
func (b *bundle) styles() api.Plugin {
	return api.Plugin{Name: "style", Setup: func(build api.PluginBuild) {
		build.OnResolve(api.OnResolveOptions{Filter: `^style:`}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
			source := filepath.Join(a.ResolveDir, strings.TrimPrefix(a.Path, "style:"))
			return api.OnResolveResult{Path: source, Namespace: "style"}, nil
		})
		build.OnLoad(api.OnLoadOptions{Filter: `.`, Namespace: "style"}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
			nested := api.Build(b.options(a.Path))
			if len(nested.Errors) > 0 {
				return api.OnLoadResult{Errors: nested.Errors}, nil
			}
			sheet := string(nested.OutputFiles[0].Contents)
			nested.OutputFiles = nil
			if _, err := b.collect(nested); err != nil {
				return api.OnLoadResult{}, err
			}
			return api.OnLoadResult{Contents: &sheet, Loader: api.LoaderFile}, nil
		})
	}}
}

// splitScript separates the script of a worker, which the importing build names, from the
// other output files.
func splitScript(files []api.OutputFile) (script string, others []api.OutputFile) {
	for _, f := range files {
		if strings.HasSuffix(f.Path, "js") { // .mjs for Node.js
			script = string(f.Contents)
		} else {
			others = append(others, f)
		}
	}
	return script, others
}

// module returns a plugin that makes the import `wasm:framescope` the URL of the compiled
// module.
func (b *bundle) module() api.Plugin {
	return api.Plugin{Name: "wasm", Setup: func(build api.PluginBuild) {
		build.OnResolve(api.OnResolveOptions{Filter: `^wasm:framescope$`}, func(api.OnResolveArgs) (api.OnResolveResult, error) {
			return api.OnResolveResult{Path: b.wasm()}, nil
		})
	}}
}
