// Package site serves the built page: each file with its type and in the coding that the
// client prefers, hashed assets to be cached for ever, and a strict Content-Security-Policy.
package site

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
)

// dist is the output of the build. In a clean clone it is empty, and requests for the page
// are answered with what to do.
//
//go:embed all:dist
var dist embed.FS

// Handler serves the files of the page.
type Handler struct{ files func() files }

// Embedded returns a handler of the page that is embedded in this binary.
func Embedded() (*Handler, error) {
	root, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, err
	}
	all, err := load(root)
	return &Handler{func() files { return all }}, err
}

// Live returns a handler of the page in a folder, for development. When index.html has
// changed, it reads all files again.
func Live(dir fs.FS) *Handler {
	var mu sync.Mutex
	var all files
	var loaded any // the modification time of index.html when the files were read
	return &Handler{func() files {
		mu.Lock()
		defer mu.Unlock()
		info, err := fs.Stat(dir, indexName)
		if err != nil {
			return files{}
		}
		if loaded != info.ModTime() {
			// If a file is removed meanwhile, the page is being replaced: the next
			// request finds the new one.
			if current, err := load(dir); err == nil {
				all, loaded = current, info.ModTime()
			}
		}
		return all
	}}
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	protect(w.Header())
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "405 method not allowed: this is a page; use GET or HEAD", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if name == "" {
		name = indexName
	}
	f := h.files()[name]
	switch {
	case f != nil:
		f.serve(w, r)
	case r.URL.Path == "/":
		http.Error(w, "503 service unavailable: the page is not built into this binary; run make build", http.StatusServiceUnavailable)
	default:
		http.Error(w, "404 not found: there is nothing at this URL; the inspector is at /", http.StatusNotFound)
	}
}
