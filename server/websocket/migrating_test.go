// MIGRATING.md names what there is: every identifier of ours in it is exported here.

package websocket_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strings"
	"testing"
)

// exported lists the package's exported identifiers, methods and fields as Type.Name.
func exported(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				names[receiver(d)+d.Name.Name] = true
			case *ast.GenDecl:
				for _, s := range d.Specs {
					addSpec(names, s)
				}
			}
		}
	}
	return names
}

// receiver is a method's type and a dot, or nothing.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	switch x := d.Recv.List[0].Type.(type) {
	case *ast.StarExpr:
		return x.X.(*ast.Ident).Name + "."
	case *ast.Ident:
		return x.Name + "."
	}
	return "?"
}

func addSpec(names map[string]bool, s ast.Spec) {
	switch s := s.(type) {
	case *ast.ValueSpec:
		for _, n := range s.Names {
			names[n.Name] = true
		}
	case *ast.TypeSpec:
		names[s.Name.Name] = true
		if fields, ok := s.Type.(*ast.StructType); ok {
			for _, field := range fields.Fields.List {
				for _, n := range field.Names {
					names[s.Name.Name+"."+n.Name] = true
				}
			}
		}
	}
}

// ourSpans are the code spans of a line that are about this package: in a table those of the last
// column.
func ourSpans(line string) (spans []string) {
	if cells := strings.Split(line, "|"); len(cells) > 2 {
		line = cells[len(cells)-2]
	}
	for i, part := range strings.Split(line, "`") {
		if i%2 == 1 {
			spans = append(spans, part)
		}
	}
	return spans
}

func TestMigratingNamesWhatThereIs(t *testing.T) {
	text, err := os.ReadFile("MIGRATING.md")
	if err != nil {
		t.Fatal(err)
	}
	names := exported(t)
	qualified := regexp.MustCompile(`(?:(\w+)\.)?\b([A-Z]\w*)`)
	variables := map[string]string{"c": "Conn.", "s": "Server.", "websocket": ""}
	checked := 0
	for line := range strings.Lines(string(text)) {
		for _, span := range ourSpans(line) {
			for _, m := range qualified.FindAllStringSubmatch(span, -1) {
				before, ours := variables[m[1]]
				switch {
				case m[1] == "":
				case ours:
				case m[1][0] >= 'A' && m[1][0] <= 'Z':
					before = m[1] + "."
				default:
					continue // of another package, or of a value of its
				}
				checked++
				if !names[before+m[2]] {
					t.Errorf("%s: there is no %s%s", strings.TrimSpace(line), before, m[2])
				}
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d names are checked", checked)
	}
}
