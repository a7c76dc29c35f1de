package main

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/balagh/balagh/actor"
)

var update = flag.Bool("update", false, "write the goldens anew")

// keys lists the paths of all fields in a JSON text.
func keys(t *testing.T, text []byte) []string {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("no JSON: %s", text)
	}
	found := map[string]bool{}
	var walk func(any, string)
	walk = func(v any, at string) {
		switch v := v.(type) {
		case map[string]any:
			for k, x := range v {
				found[strings.TrimPrefix(at+"/"+k, "/")] = true
				if k == "attributes" && !strings.Contains(at, "items") { // free: what the category asks
					continue
				}
				walk(x, at+"/"+k)
			}
		case []any:
			for _, x := range v {
				walk(x, at+"[]")
			}
		}
	}
	walk(v, "")
	return slices.Sorted(maps.Keys(found))
}

// TestAnswers_Keys holds what citizens and the public are shown to a list that somebody has read: a new field shows up here first.
func TestAnswers_Keys(t *testing.T) {
	t.Parallel()
	i := install(t)
	c := i.citizen("+966500000091")
	staff := i.staff(actor.Supervisor, "*", "*")
	c.do("PATCH", "/v1/me", map[string]any{"gender": "female", "residency": "citizen"}).want(200)
	body, kind := form(t, speakers, picture(t, 320, 240))
	id := c.do("POST", "/v1/reports", body, "Content-Type", kind).want(201).str("id")
	staff.do("POST", "/v1/desk/reports/"+id+"/notes", map[string]any{"text": "داخلي"}).want(201)
	for _, to := range []string{"assigned", "in_progress", "resolved"} {
		staff.do("POST", "/v1/desk/reports/"+id+"/transitions", map[string]any{"to": to, "note": "داخلي", "text": "رد"}).want(200)
	}
	eventually(t, "the occasion to rate", func() bool { return c.do("GET", "/v1/reports/"+id, nil).want(200).at("can", "rate") == true })
	c.do("POST", "/v1/reports/"+id+"/rating", map[string]any{"level": 1, "solved": false, "comment": "لم يحل"}).want(201)
	eventually(t, "the last message", func() bool {
		return c.do("GET", "/v1/inbox", nil).want(200).str("items", 0, "kind") == "resolved"
	})
	open := i.citizen("+966500000092").do("POST", "/v1/reports", speakers).want(201)
	shown := map[string]*answer{
		"report":     c.do("GET", "/v1/reports/"+id, nil).want(200),
		"reports":    c.do("GET", "/v1/reports", nil).want(200),
		"nearby":     (&client{i: i, t: t}).do("GET", "/v1/reports/nearby?latitude=24.7136&longitude=46.6753", nil).want(200),
		"categories": (&client{i: i, t: t}).do("GET", "/v1/categories", nil).want(200),
		"inbox":      c.do("GET", "/v1/inbox", nil).want(200),
		"rating":     c.do("GET", "/v1/reports/"+id+"/rating", nil).want(200),
		"me":         c.do("GET", "/v1/me", nil).want(200),
		"jwks":       (&client{i: i, t: t}).do("GET", "/.well-known/jwks.json", nil).want(200),
		"filed":      open,
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		b.WriteString("# " + name + "\n" + strings.Join(keys(t, shown[name].body), "\n") + "\n")
		if strings.Contains(string(shown[name].body), "داخلي") || strings.Contains(string(shown[name].body), staff.id) {
			t.Errorf("%s shows what is internal: %s", name, shown[name].body)
		}
	}
	if strings.Contains(string(shown["nearby"].body), "مكبر") {
		t.Errorf("nearby shows what people wrote: %s", shown["nearby"].body)
	}
	golden := filepath.Join("testdata", "keys.golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != b.String() {
		t.Errorf("other fields are shown than %s lists; read them, then write it anew with -update:\n%s", golden, b.String())
	}
}

// TestPhotos_Exiftool lets exiftool look at every picture that is served of a photo full of metadata. CI has it; elsewhere the
// walk over the markers in package photos is all there is.
func TestPhotos_Exiftool(t *testing.T) {
	t.Parallel()
	tool, err := exec.LookPath("exiftool")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("CI must have exiftool: apt-get install libimage-exiftool-perl")
		}
		t.Log("left out: there is no exiftool on this machine")
		return
	}
	source := filepath.Join(t.TempDir(), "source.jpg")
	if err := os.WriteFile(source, picture(t, 400, 300), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), tool, "-GPSLatitude=24.7", "-GPSLatitudeRef=N", "-GPSLongitude=46.6", "-GPSLongitudeRef=E", "-Make=Phone",
		"-Artist=Somebody", "-XMP:Creator=Somebody", "-IPTC:By-line=Somebody", "-Comment=Somebody", "-Orientation#=6", "-overwrite_original", source).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	photo, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	i := install(t)
	c := i.citizen("+966500000093")
	p := c.do("POST", "/v1/photos", photo, "Content-Type", "image/jpeg").want(201)
	if p.at("place", "latitude") == nil || p.at("width") != 300.0 {
		t.Errorf("place or orientation were not read: %s", p.body)
	}
	for _, url := range []string{p.str("url"), p.str("thumbnail_url"), p.str("url") + "?size=full"} {
		served := filepath.Join(t.TempDir(), "served.jpg")
		if err := os.WriteFile(served, c.do("GET", url, nil).want(200).body, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), tool, "-a", "-G1", "-s", "-EXIF:all", "-GPS:all", "-XMP:all", "-IPTC:all", "-ICC_Profile:all", "-MPF:all",
			"-MakerNotes:all", "-Comment", "-ThumbnailImage", "-PreviewImage", served).CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != "" {
			t.Errorf("%s still has: %s %v", url, out, err)
		}
	}
}
