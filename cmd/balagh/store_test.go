package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balagh/balagh/store/teststore"
)

// TestStore_upkeep: what is there is brought up to date, what is missing is told of, and both leave alone what is not there.
func TestStore_upkeep(t *testing.T) {
	t.Parallel()
	uri := teststore.URI(t)
	upkeep := func(do, at string) (string, error) { return call(t, "store", do, "--store="+at) }
	wants := func(do, in, refusal string) {
		t.Helper()
		out, err := upkeep(do, uri)
		if refusal == "" && err != nil || refusal != "" && (err == nil || !strings.Contains(err.Error(), refusal)) || !strings.Contains(out, in) {
			t.Errorf("%s: %v, want %q; it printed\n%swant %q", do, err, refusal, out, in)
		}
	}
	if _, err := upkeep("check", uri+"_absent"); err == nil || !strings.Contains(err.Error(), "there is no store") {
		t.Errorf("check where there is no store: %v", err)
	}
	wants("migrate", "the store is up to date", "")
	wants("migrate", "the store is up to date", "")
	wants("check", "", "")
	teststore.Harm(t, uri)
	if !teststore.OnMongoDB() {
		wants("check", "", "damaged")
		return
	}
	wants("check", " has no index ", "1 indexes are missing")
	wants("migrate", "made: ", "")
	wants("check", "nothing is missing", "")
}

// TestStore_newer: what a newer version wrote is refused by every command, and left as it is.
func TestStore_newer(t *testing.T) {
	t.Parallel()
	uri := teststore.URI(t)
	if out, err := call(t, "store", "migrate", "--store="+uri); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	teststore.Newer(t, uri)
	for _, args := range [][]string{{"store", "migrate"}, {"store", "check"}, {"store", "migrate"}, {"surveys", "recount"}, {"serve", "--dev", "--address=127.0.0.1:0"},
		{"admin", "rotate-keys", "--secret=" + strings.Repeat("s", secretLength)}} {
		if args[0] == "serve" {
			args = append(args, "--bucket=file://"+t.TempDir(), "--secret="+strings.Repeat("s", secretLength))
		}
		if _, err := call(t, append(args, "--store="+uri)...); err == nil || !strings.Contains(err.Error(), "newer version") {
			t.Errorf("%v: %v", args, err)
		}
	}
}

// TestStore_unreachable: the sentence about a server that is not there says where it was looked for, and no password.
func TestStore_unreachable(t *testing.T) {
	t.Parallel()
	_, err := call(t, "store", "check", "--store=mongodb://u:p%40ssword@"+freePort(t)+"/balagh")
	if err == nil || !strings.Contains(err.Error(), "cannot be reached") || !strings.Contains(err.Error(), "u:********@127.0.0.1") || strings.Contains(err.Error(), "ssword") {
		t.Error(err)
	}
}

// TestBackup_mongodb: a server's store is not a file; whoever asks is told what copies it, before anything is read or written.
func TestBackup_mongodb(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "copy")
	for _, args := range [][]string{{"create"}, {"restore"}} {
		_, err := call(t, "backup", args[0], folder, "--store=mongodb://u:password@127.0.0.1:1/balagh")
		if err == nil || !strings.Contains(err.Error(), "balagh store copy") || !strings.Contains(err.Error(), "mongodump") || strings.Contains(err.Error(), "password") {
			t.Errorf("%v: %v", args, err)
		}
	}
	if _, err := os.Stat(folder); err == nil {
		t.Error("a folder was made")
	}
}

// TestStorage_places: where what is not in the store goes.
func TestStorage_places(t *testing.T) {
	t.Parallel()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		s              storage
		folder, bucket string
	}{
		{storage{Store: "sqlite:/var/lib/balagh/balagh.db"}, "/var/lib/balagh", "file:///var/lib/balagh/photos"},
		{storage{Store: "mongodb://h/b", Bucket: "file:///photos"}, "data", "file:///photos"},
		{storage{Store: "mongodb+srv://h/b", Dev: true}, "data", "file://" + here + "/data/photos"},
		{storage{Store: "mongodb://h/b"}, "data", ""},
	} {
		folder, err := c.s.folder()
		bucket, err2 := c.s.bucket()
		if err != nil || folder != c.folder || bucket != c.bucket || (err2 != nil) != (c.bucket == "") {
			t.Errorf("%+v: %s, %v; %s, %v", c.s, folder, err, bucket, err2)
		}
	}
	dir := t.TempDir()
	s := storage{Store: "mongodb://h/b", Dev: true, beside: dir}
	first, err := s.secret()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.secret(); err != nil || string(again) != string(first) {
		t.Errorf("another secret the second time, %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "development.secret")); err != nil {
		t.Error(err)
	}
}
