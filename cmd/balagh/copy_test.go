package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/store/teststore"
)

// An installation moves to another store with its photos, and everybody finds what they had; then back. On a run of the tests on MongoDB
// it moves there, otherwise from one file to another.
func TestStoreCopy(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("the same ", 5) // the signing keys move too
	from, fromBucket := teststore.SQLite(t), "file://"+filepath.Join(t.TempDir(), "photos")
	i := installAt(t, func(s *settings) { s.Store, s.Bucket, s.Secret = from, fromBucket, secret })
	i.organise(i.staff(actor.Admin, "*", "*"))
	citizen := i.citizen("+966500000901")
	photo := citizen.do("POST", "/v1/photos", picture(t, 320, 240), "Content-Type", "image/jpeg").want(201).str("id")
	id := citizen.do("POST", "/v1/reports", strings.Replace(speakers, `{`, fmt.Sprintf(`{"photos":["%s"],`, photo), 1)).want(201).str("id")
	eventually(t, "the citizen was told", func() bool { return citizen.do("GET", "/v1/inbox", nil).want(200).len("items") == 1 })
	i.stop()

	to, toBucket := teststore.URI(t), "file://"+filepath.Join(t.TempDir(), "photos")
	run := func(from, fromBucket, to, toBucket string, more ...string) (string, error) {
		return call(t, append([]string{"store", "copy", from, to, "--from-bucket=" + fromBucket, "--to-bucket=" + toBucket}, more...)...)
	}
	out, err := run(from, fromBucket, to, toBucket)
	if err != nil || !strings.Contains(out, "every record is in") || !strings.Contains(out, "photo files") {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := run(from, fromBucket, to, toBucket, "--resume"); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("copied a second time: %v\n%s", err, out)
	}
	back, backBucket := teststore.SQLite(t), "file://"+filepath.Join(t.TempDir(), "photos")
	if again, err := run(to, toBucket, back, backBucket); err != nil || sums(again) != sums(out) {
		t.Errorf("back: %v\n%s\nthere:\n%s", err, again, out)
	}
	j := installAt(t, func(s *settings) { s.Store, s.Bucket, s.Secret = to, toBucket, secret })
	same := j.citizen("+966500000901") // the same person, by the number
	r := same.do("GET", "/v1/reports/"+id, nil).want(200)
	same.do("GET", "/v1/photos/"+photo+"/image", nil).want(200)
	if r.len("photos") != 1 || same.do("GET", "/v1/inbox", nil).want(200).len("items") != 1 {
		t.Errorf("moved: %s", r.body)
	}
}

// sums are the lines of a copy that are the same wherever it goes.
func sums(out string) string {
	var lines []string
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) >= 3 && len(f[len(f)-1]) == 32 { // not those of the bar
			lines = append(lines, strings.Join(f, " "))
		}
	}
	return fmt.Sprint(len(lines), lines)
}
