package reports

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestArea_outline(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		area string
		want string
	}{
		"a border with a bend of no account": {`{"type":"Polygon","coordinates":[[[40,20],[41,20.001],[42,20],[42,22],[40,22],[40,20]]]}`,
			`[[[[40,20],[42,20],[42,22],[40,22],[40,20]]]]`},
		"a dot beside it": {`{"type":"MultiPolygon","coordinates":[[[[40,20],[42,20],[42,22],[40,22],[40,20]]],[[[30,20],[30.001,20],[30.001,20.001],[30,20]]]]}`,
			`[[[[40,20],[42,20],[42,22],[40,22],[40,20]]]]`},
		"nothing but dots": {`{"type":"MultiPolygon","coordinates":[[[[30,20],[30.001,20],[30.001,20.001],[30,20]]],[[[31,20],[31.002,20],[31.002,20.002],[31,20]]]]}`,
			`[[[[31,20],[31.002,20],[31.002,20.002],[31,20]]]]`},
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			a, err := ParseArea(json.RawMessage(c.area))
			if err != nil {
				t.Fatal(err)
			}
			b, err := json.Marshal(a.outline())
			if err != nil || string(b) != c.want {
				t.Errorf("%s, want %s (%v)", b, c.want, err)
			}
		})
	}
}
