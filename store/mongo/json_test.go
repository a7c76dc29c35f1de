package mongo

import (
	"encoding/json"
	"reflect"
	"testing"
)

// What is encoded and decoded is what was there, whatever its names and values are.
func FuzzEncode(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1,"b":-2.5,"c":[true,false,null,{}],"d":{"e":"ف"}}`, `{"a.b":1,"$set":{"$gt":""},"%2E":2,"":3,"\u0000":"\u0000"}`,
		`{"n":9223372036854775807,"m":-9223372036854775808,"big":1e300,"z":-0,"x":0.1}`, `{"s":"<&>\"\\\n\u2028"}`, `{"at":"2026-11-22T08:38:07.123456789Z"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var want map[string]any
		if json.Unmarshal([]byte(s), &want) != nil || want == nil {
			return
		}
		raw, err := encode(want)
		if err != nil {
			t.Fatal(err)
		}
		if err := raw.Validate(); err != nil {
			t.Fatalf("%q is no BSON: %v", s, err)
		}
		var got map[string]any
		if err := decode(raw, &got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q came back as %v", s, got)
		}
	})
}
