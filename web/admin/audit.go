package admin

import (
	"iter"
	"maps"
	"net/http"

	"github.com/balagh/balagh/web/page"
)

// before and after a change.
type beforeAfter struct {
	Fields []difference
	Open   string // page of what was changed
	None   bool   // there is no way back
}

// compared shows what a change changed, field by field.
func compared(s *sheet) (any, error) {
	a := &beforeAfter{None: s.Of("reversible") == false && s.Of("outcome") == "done"}
	before, _ := s.value["before"].(map[string]any)
	after, _ := s.value["after"].(map[string]any)
	path, _ := s.value["path"].(string)
	var fields []field
	if r, key := resourceAt(path); r != nil {
		if fields = r.fields; key != "" && !r.pageless {
			a.Open = r.page(key)
		}
		if r.in != "" {
			before, after = inside(before, r.in), inside(after, r.in)
		}
	}
	for _, x := range []map[string]any{before, after} {
		for _, every := range []string{"rev", "version", "at", "by", "by_name", "name"} { // each write changes these, or they only repeat
			if every != "name" || x["names"] != nil {
				delete(x, every)
			}
		}
	}
	a.Fields = s.d.differences(fields, before, after)
	return a, nil
}

func inside(m map[string]any, name string) map[string]any {
	if x, ok := m[name].(map[string]any); ok {
		return x
	}
	return m
}

func keysOf(m map[string]any) iter.Seq[string] { return maps.Keys(m) }

const workbook = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// takeWorkbook writes the next version of a questionnaire from an XLSForm, the first one where there is none.
func takeWorkbook(v *page.Visit) error {
	r := resources["questionnaires"]
	key := r.keyOf(v)
	if key == "" {
		if key = r.keyIn(map[string]any{"code": v.Form("code")}); key == "" {
			return &page.Problem{Status: http.StatusUnprocessableEntity, Title: v.T("adm_code_missing")}
		}
	}
	b, err := v.File("workbook")
	if err != nil {
		return err
	}
	headers := map[string]string{}
	if tag := v.Form("tag"); tag != "" {
		headers["If-Match"] = tag
	}
	_, err = v.Call(http.MethodPut, r.at(key)+"/xlsform", nil, headers, page.Raw{Type: workbook, Body: b}, nil)
	if err == nil {
		return v.Redirect(r.page(key) + "?done=adm_saved")
	}
	wrong := page.Refused(err)
	if wrong == nil || v.Param("code") == "" {
		return err
	}
	return r.look(v, key, wrong)
}
