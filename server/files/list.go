// The list of what a folder holds.

package files

import (
	"errors"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

// maxListed is how many names of a folder are read for a list.
const maxListed = 1000

var page = template.Must(template.New("list").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{{.Title}}</title>
<h1>{{.Title}}</h1>
<ul>
{{- if .Parent}}
<li><a href="../">../</a>{{end}}
{{- range .Names}}
<li><a href="{{.Link}}">{{.Name}}</a>{{end}}
</ul>
{{- if .More}}
<p>There are more: only the first {{len .Names}} are listed.{{end}}
`))

type entry struct{ Name, Link string }

// list writes the list of a folder's names.
func list(w http.ResponseWriter, r *http.Request, name string, folder fs.ReadDirFile) error {
	entries, err := folder.ReadDir(maxListed + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	shown := struct {
		Title        string
		Parent, More bool
		Names        []entry
	}{Title: path.Join("/", name), Parent: name != ".", More: len(entries) > maxListed}
	for _, e := range entries[:min(len(entries), maxListed)] {
		if hidden(e.Name()) {
			continue
		}
		text := e.Name()
		if e.IsDir() {
			text += "/"
		}
		shown.Names = append(shown.Names, entry{text, link(text)})
	}
	slices.SortFunc(shown.Names, func(a, b entry) int { return strings.Compare(a.Name, b.Name) })
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if r.Method == http.MethodHead {
		return nil
	}
	return page.Execute(w, shown)
}

// link returns the relative URL of a name in the same folder.
func link(name string) string { return (&url.URL{Path: "./" + name}).String() }
