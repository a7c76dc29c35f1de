package openapi

import (
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

func TestDocs_ShowsEveryOperationAndSchema(t *testing.T) {
	t.Parallel()
	page := string(Docs())
	each(t, func(t *testing.T, op *openapi3.Operation) {
		if !strings.Contains(page, `<article id="`+op.OperationID+`">`) {
			t.Error("is not on the page")
		}
	})
	for name := range load(t).Components.Schemas {
		if !strings.Contains(page, `<article id="schema-`+name+`">`) {
			t.Errorf("schema %s is not on the page", name)
		}
	}
	for _, want := range []string{"مكبرات الصوت", "at most 4000 characters", "/v1/desk/reports/{id}/transitions", "supervisor"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestDocs_AsksNoOtherHostAndRunsNothing(t *testing.T) {
	t.Parallel()
	page := string(Docs())
	if found := regexp.MustCompile(`<(script|link|img|iframe|base)\b|(src|href)="(https?:)?//| style=| on[a-z]+=`).FindString(page); found != "" {
		t.Errorf("the page has %q", found)
	}
	if strings.Contains(page, "ZgotmplZ") {
		t.Error("html/template refused a value")
	}
}

func TestDocs_LinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	page := string(Docs())
	for _, m := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(page, `id="`+m[1]+`"`) {
			t.Errorf("#%s leads nowhere", m[1])
		}
	}
}

func TestDocsPolicy_AllowsTheStyleAndNothingElse(t *testing.T) {
	t.Parallel()
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(string(Docs()))
	if style == nil {
		t.Fatal("no style")
	}
	sum := sha256.Sum256([]byte(style[1]))
	if want := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(DocsPolicy, want) {
		t.Errorf("%s lacks %s", DocsPolicy, want)
	}
	if !strings.HasPrefix(DocsPolicy, "default-src 'none'") {
		t.Errorf("%s does not start from nothing", DocsPolicy)
	}
}

func TestProse_EscapesBeforeItMarks(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a **b** `c`":     "<p>a <strong>b</strong> <code>c</code></p>",
		"a\n\nb":          "<p>a</p><p>b</p>",
		"<i>`</i>":        "<p>&lt;i&gt;`&lt;/i&gt;</p>",
		"one `unfinished": "<p>one `unfinished</p>",
	} {
		if got := string(prose(in)); got != want {
			t.Errorf("prose(%q) = %q, want %q", in, got, want)
		}
	}
}
