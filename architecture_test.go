// Package balagh_test keeps the shape of the code: who may import whom, and the habits that a reader relies on.
//
// It reads the source, not the build, so it sees every file whatever its build tags. docs/architecture.md explains the table.
package balagh_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module   = "github.com/balagh/balagh"
	maxLines = 500 // of a hand-written file
)

// anything in a row of the table stands for every package of ours.
const anything = "*"

var domains = []string{"reports", "surveys", "push", "accounts", "photos"}

// arrows says which packages of ours a package may import. A package without a row fails the test: adding one is a decision.
var arrows = map[string][]string{
	".":               {},
	"cmd/balagh":      {anything},
	"openapi":         {},
	"api":             append([]string{"actor", "event", "fault", "openapi", "api/gen", "surveys/form", "surveys/xlsform", "audit"}, domains...),
	"api/gen":         {},
	"reports":         {"event", "actor", "fault", "hijri", "fold", "daybook"},
	"surveys":         {"event", "actor", "fault", "surveys/form", "surveys/stats", "hijri", "fold", "daybook"},
	"surveys/form":    {"fault"},
	"surveys/stats":   {},
	"surveys/xlsform": {"surveys/form", "fault"},
	"daybook":         {"fault"},
	"hijri":           {},
	"fold":            {},
	"push":            {"event", "actor", "fault"},
	"push/fcm":        {"push", "fault"},
	"push/sms":        {"push", "fault"},
	"push/email":      {"push", "fault"},
	"push/webpush":    {"push", "fault"},
	"accounts":        {"event", "actor", "fault"},
	"photos":          {"actor", "fault"},
	"audit":           {"actor", "fault"},

	"photos/objectstore": {},
	"photos/phototest":   {},

	"event":           {"fault"},
	"actor":           {},
	"fault":           {},
	"store/sqlite":    append([]string{"event", "fault", "fold", "daybook", "audit", "surveys/form", "store/transfer"}, domains...),
	"store/mongo":     append([]string{"event", "fault", "fold", "daybook", "audit", "surveys/form", "store/transfer"}, domains...),
	"store/transfer":  append([]string{"event", "audit"}, domains...),
	"store/storetest": append([]string{"actor", "event", "fault", "fold", "daybook", "audit", "surveys/form", "store/transfer"}, domains...), // actor: what a suite files is filed by somebody
	"store/teststore": append([]string{"event", "store/mongo", "store/sqlite", "store/storetest"}, domains...),                               // it opens them for tests
	"web":             append([]string{"actor", "fault", "surveys/form"}, domains...),
	"web/page":        {"api/gen", "hijri", "web/assets"}, // pages are clients of the API: all that they know is the contract
	"web/assets":      {},
	"web/manage":      {"api/gen", "hijri", "web/page"},
	"web/desk":        {"api/gen", "hijri", "web/page"},
	"web/admin":       {"api/gen", "hijri", "web/page"},
	"demo":            {"demo/standin"},                                                                      // it plays phones and desks: all that it knows is the contract
	"demo/scenario":   {"accounts", "actor", "demo", "event", "fault", "reports", "surveys", "surveys/form"}, // it loads through the services
	"demo/standin":    {},
	"bench":           {"demo"},
}

// inTests may be imported by every test besides what its package may: a real store is cheaper than a fake one, and so is the
// stand-in for Firebase.
var inTests = []string{"actor", "event", "fault", "store/mongo", "store/sqlite", "store/storetest", "store/teststore", "demo/standin", "push/sms", "photos/objectstore", "photos/phototest"}

// forTests are packages that only tests import, and each other.
var forTests = []string{"store/storetest", "store/teststore"}

// owners are the only packages that may import what begins with the key. Tests and commands are held to it as well.
var owners = map[string][]string{
	"firebase.google.com/":        {"push/fcm"},
	"modernc.org/sqlite":          {"store/sqlite"},
	"database/sql":                {"store/sqlite", "store/teststore"},
	"go.mongodb.org/":             {"store/mongo", "store/teststore"},
	"github.com/gofiber/fiber/":   {"api", "api/gen", "web", "web/page", "web/manage", "web/desk", "web/admin", "cmd/balagh", "bench"},
	"github.com/valyala/fast":     {"api", "web", "web/page", "bench", "demo/standin"},
	"github.com/oapi-codegen/":    {"api", "api/gen"},
	"github.com/getkin/kin-open":  {"api", "api/gen", "openapi", "cmd/balagh"},
	"gocloud.dev/":                {"photos", "photos/objectstore", "cmd/balagh"},
	"github.com/aws/":             {"photos/objectstore"},
	"github.com/Azure/":           {"photos/objectstore"},
	"github.com/golang-jwt/":      {"accounts", "cmd/balagh"},
	"github.com/alecthomas/kong":  {"cmd/balagh"},
	"github.com/wneessen/":        {"push/email"},
	"github.com/SherClockHolmes":  {"push/webpush"},
	"github.com/linxGnu/":         {"push/sms"},
	"github.com/xuri/excelize":    {"surveys/xlsform", "api"},
	"github.com/teambition/rrule": {"surveys"},
	"github.com/boombuler/":       {"web/page"},
	"github.com/chromedp/":        {"cmd/balagh"},
}

// source is one Go file of the tree.
type source struct {
	path      string // from the root, with slashes
	pkg       string // its folder
	test      bool
	generated bool
	imports   []string
	lines     int
	file      *ast.File
	fset      *token.FileSet
}

// apart are folders that hold no code of the product.
var apart = []string{"data", "bin", "testdata", "node_modules", "tools"}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != "." && (strings.HasPrefix(name, ".") || slices.Contains(apart, name)) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		s, err := read(path)
		all = append(all, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func read(path string) (source, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
	if err != nil {
		return source{}, err
	}
	s := source{path: filepath.ToSlash(path), pkg: filepath.ToSlash(filepath.Dir(path)), test: strings.HasSuffix(path, "_test.go"),
		generated: ast.IsGenerated(f), lines: fset.File(f.Pos()).LineCount(), file: f, fset: fset}
	for _, i := range f.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return source{}, err
		}
		s.imports = append(s.imports, p)
	}
	return s, nil
}

// refused says why the package from may not import path, or "".
func refused(from, path string, test bool) string {
	if to, ours := strings.CutPrefix(path, module+"/"); ours {
		may, known := arrows[from]
		switch {
		case !known:
			return "the folder " + from + " has no row in the table"
		case to == "cmd/balagh":
			return "nothing imports a command"
		case slices.Contains(forTests, to) && !test && !slices.Contains(forTests, from):
			return to + " is for tests"
		case to == from, slices.Contains(may, to), slices.Contains(may, anything):
			return ""
		case test && slices.Contains(inTests, to):
			return ""
		}
		return from + " may not import " + to
	}
	for prefix, may := range owners {
		if strings.HasPrefix(path, prefix) && !slices.Contains(may, from) {
			return "only " + strings.Join(may, ", ") + " may import " + prefix
		}
	}
	return ""
}

func TestImports(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if _, ok := arrows[s.pkg]; !ok {
			t.Errorf("%s: the folder %s has no row in the table", s.path, s.pkg)
		}
		for _, p := range s.imports {
			if why := refused(s.pkg, p, s.test); why != "" {
				t.Errorf("%s: %s", s.path, why)
			}
		}
	}
}

func TestImports_rules(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, path string
		test, ok   bool
	}{
		{"reports", module + "/fault", false, true},
		{"reports", module + "/push", false, false},
		{"reports", module + "/push", true, false},
		{"reports", module + "/store/sqlite", false, false},
		{"reports", module + "/store/sqlite", true, true},
		{"reports", module + "/store/teststore", true, true},
		{"reports", module + "/store/teststore", false, false},
		{"cmd/balagh", module + "/store/teststore", false, false},
		{"store/teststore", module + "/store/storetest", false, true},
		{"photos", module + "/event", false, false},
		{"store/sqlite", module + "/store/mongo", false, false},
		{"store/sqlite", module + "/api", true, false},
		{"demo", module + "/reports", false, false},
		{"cmd/balagh", module + "/demo", false, true},
		{"api", module + "/cmd/balagh", true, false},
		{"somewhere", module + "/fault", false, false},
		{"reports", "github.com/gofiber/fiber/v2", false, false},
		{"api", "github.com/gofiber/fiber/v2", false, true},
		{"accounts", "database/sql", true, false},
		{"push", "firebase.google.com/go/v4/messaging", false, false},
		{"push/fcm", "firebase.google.com/go/v4/messaging", false, true},
		{"surveys", "go.mongodb.org/mongo-driver/v2/bson", false, false},
		{"surveys", "math", false, true},
	} {
		if why := refused(c.from, c.path, c.test); (why == "") != c.ok {
			t.Errorf("%s → %s (test %v): got %q, want allowed %v", c.from, c.path, c.test, why, c.ok)
		}
	}
}

func TestPackages_documented(t *testing.T) {
	t.Parallel()
	documented := map[string]int{}
	for _, s := range sources(t) {
		if s.test || s.pkg == "api/gen" {
			continue
		}
		if _, seen := documented[s.pkg]; !seen {
			documented[s.pkg] = 0
		}
		if s.file.Doc != nil {
			documented[s.pkg]++
		}
	}
	for pkg, n := range documented {
		if n != 1 {
			t.Errorf("%s has %d package comments, want one", pkg, n)
		}
	}
}

func TestFiles_short(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if !s.generated && s.lines > maxLines {
			t.Errorf("%s has %d lines, more than %d", s.path, s.lines, maxLines)
		}
	}
}

func TestTests_neverSleepNorSkip(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if !s.test {
			continue
		}
		for _, d := range s.file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			// A fuzz test skips inputs, not itself; browse needs a browser, says so, and fails in CI without one.
			fuzz := ok && (strings.HasPrefix(fn.Name.Name, "Fuzz") || fn.Name.Name == "browse")
			ast.Inspect(d, func(n ast.Node) bool {
				if call := called(n); call == "time.Sleep" || !fuzz && slices.Contains([]string{"t.Skip", "t.Skipf", "t.SkipNow"}, call) {
					t.Errorf("%s: %s", s.fset.Position(n.Pos()), call)
				}
				return true
			})
		}
	}
}

// called is "x.Name" for such a node, "" for any other.
func called(n ast.Node) string {
	if sel, ok := n.(*ast.SelectorExpr); ok {
		if x, ok := sel.X.(*ast.Ident); ok {
			return x.Name + "." + sel.Sel.Name
		}
	}
	return ""
}

func TestComments_leaveNothingForLater(t *testing.T) {
	t.Parallel()
	later := regexp.MustCompile(`\b(` + strings.Join([]string{"TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"}, "|") + `)\b`)
	for _, s := range sources(t) {
		if s.generated {
			continue
		}
		for _, g := range s.file.Comments {
			for _, c := range g.List {
				if m := later.FindString(c.Text); m != "" {
					t.Errorf("%s: %s", s.fset.Position(c.Pos()), m)
				}
			}
		}
	}
}

func TestDocs_links(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#: ]+)(#[^)]*)?\)`)
	for _, dir := range []string{".", "docs", "docs/decisions"} {
		pages, err := filepath.Glob(filepath.Join(dir, "*.md"))
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range pages {
			b, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range link.FindAllStringSubmatch(string(b), -1) {
				if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(m[1]))); err != nil {
					t.Errorf("%s leads to %s, which is not there", page, m[1])
				}
			}
		}
	}
}
