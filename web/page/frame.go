package page

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"image/png"

	"github.com/boombuler/barcode"
	code "github.com/boombuler/barcode/qr"
)

// frame is what every page is within. "wrong" is what is wrong with a field, beside it.
var frame = func() *template.Template {
	b, err := files.ReadFile("frame.html")
	if err != nil {
		panic(err)
	}
	t := template.New("frame").Funcs(template.FuncMap{
		"asset": AssetPath,
		"json":  jsonOf,
		"qr":    qr,
		"list":  func(all ...any) []any { return all },
		"dict":  dict,
	})
	template.Must(t.Parse(string(b)))
	template.Must(t.New("wrong").Parse(`{{with .}}<p class="wrong" role="alert">{{.}}</p>{{end}}`))
	return t
}()

var own = Templates(files, "signin", "resend", "problem", "account")

// jsonOf is for <script type="application/json">, which a browser does not run: what scripts draw.
func jsonOf(v any) (template.JS, error) {
	b, err := json.Marshal(v) // which escapes <, > and &
	return template.JS(b), err
}

// dict makes a map of names and values, for templates that take several.
func dict(all ...any) map[string]any {
	m := map[string]any{}
	for i := 0; i+1 < len(all); i += 2 {
		if name, ok := all[i].(string); ok {
			m[name] = all[i+1]
		}
	}
	return m
}

// qr draws an address for a camera.
func qr(address string) (template.URL, error) {
	drawn, err := code.Encode(address, code.M, code.Auto)
	if err != nil {
		return "", err
	}
	if drawn, err = barcode.Scale(drawn, 440, 440); err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := png.Encode(&b, drawn); err != nil {
		return "", err
	}
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes())), nil
}
