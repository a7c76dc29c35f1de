package photos

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOpenBucket_addresses(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for address, want := range map[string]string{
		"file://" + dir + "/a":          "a",
		"file://localhost" + dir + "/b": "b",
		"file://./c/d":                  "c/d",
		"file://e/f":                    "", // a relative path that lacks its point
		"nosuch://x":                    "",
		"://":                           "",
	} {
		b, err := OpenBucket(t.Context(), address)
		if (err == nil) != (want != "") {
			t.Errorf("%s: %v", address, err)
		}
		if err != nil {
			continue
		}
		defer b.Close()
		if _, err := os.Stat(filepath.Join(dir, want, originals)); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}
