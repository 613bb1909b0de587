// The folder of --files: its flag and its URL.

package main

import (
	"fmt"
	"net/http"
	"path/filepath"

	"github.com/spf13/pflag"

	"framescope/server/files"
)

// folderURL is where the folder is served.
const folderURL = "/files/"

func folderFlag(f *pflag.FlagSet, c *config) {
	f.StringVar(&c.folder, "files", "", "serve the files in this `folder`, too, at /files/, to everybody who can connect; not those whose name begins with a dot")
}

// openFolder opens the folder, if there is one.
func (s *server) openFolder() (err error) {
	if s.config.folder == "" {
		return nil
	}
	if key := s.config.tls.key; key != "" && within(string(key), s.config.folder) {
		return fmt.Errorf("--key %s lies in the folder of --files, where everybody could read it: move it to another folder", key)
	}
	if s.folder, err = files.Open(s.config.folder); err != nil {
		return fmt.Errorf("--files: cannot open the folder: %w: give the name of a folder, or leave the flag out", err)
	}
	return nil
}

// within reports whether a file is in a folder, or in one below it.
func within(file, folder string) bool {
	real := func(name string) string {
		if followed, err := filepath.EvalSymlinks(name); err == nil {
			name = followed
		}
		whole, err := filepath.Abs(name)
		if err != nil {
			return name
		}
		return whole
	}
	rel, err := filepath.Rel(real(folder), real(file))
	return err == nil && filepath.IsLocal(rel)
}

// serveFolder adds the folder's URL.
func (s *server) serveFolder(mux *http.ServeMux) {
	if s.folder != nil {
		mux.Handle(folderURL, s.ownHost(http.StripPrefix(folderURL[:len(folderURL)-1], s.folder)))
	}
}

func (s *server) closeFolder() {
	if s.folder != nil {
		_ = s.folder.Close()
	}
}
