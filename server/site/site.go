// Package site serves the built page: the right types, hashed assets for ever,
// each file as the build compressed it, behind a strict Content-Security-Policy.
package site

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
)

// dist is what the build leaves. In a clean clone it is empty, and the page says
// what to do.
//
//go:embed all:dist
var dist embed.FS

// Handler serves the files of a page.
type Handler struct{ files func() files }

// Embedded serves the page that was built into this binary.
func Embedded() (*Handler, error) {
	root, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, err
	}
	all, err := load(root)
	return &Handler{func() files { return all }}, err
}

// Live serves a page from a folder and follows it: when index.html has been
// written anew, everything is read again. For development.
func Live(dir fs.FS) *Handler {
	var mu sync.Mutex
	var all files
	var read any // when index.html was written last
	return &Handler{func() files {
		mu.Lock()
		defer mu.Unlock()
		info, err := fs.Stat(dir, indexName)
		if err != nil {
			return files{}
		}
		if read != info.ModTime() {
			// A file that vanishes meanwhile belongs to a page that is being
			// replaced: the next request finds the new one.
			if fresh, err := load(dir); err == nil {
				all, read = fresh, info.ModTime()
			}
		}
		return all
	}}
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	protect(w.Header())
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "405 this is a page: use GET or HEAD", http.StatusMethodNotAllowed)
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
		http.Error(w, "503 the page is not built into this binary: run make build", http.StatusServiceUnavailable)
	default:
		http.Error(w, "404 there is nothing at this address: the inspector is at /", http.StatusNotFound)
	}
}
