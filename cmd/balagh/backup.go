package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gocloud.dev/blob"

	"github.com/balagh/balagh/photos"
	"github.com/balagh/balagh/store/sqlite"
)

// backupCommand copies an installation, also while it runs. The store is copied first, so every photo that the copy knows of is
// there to be copied after it.
type backupCommand struct {
	Create  backupCreate  `cmd:"" default:"withargs" help:"Copy store and photos into a new folder."`
	Restore backupRestore `cmd:"" help:"Bring a copy back, where nothing is yet."`
	Verify  backupVerify  `cmd:"" help:"Compare a copy with its manifest and check the store in it."`
}

type backupCreate struct {
	storage
	Folder string `arg:"" help:"Folder to make."`
}

type backupRestore struct {
	storage
	Folder string `arg:"" help:"Folder of the copy."`
}

type backupVerify struct {
	Folder string `arg:"" help:"Folder of the copy."`
}

const (
	backupStore    = "balagh.db"
	backupManifest = "manifest.json"
)

// manifest is written last: a folder without one is not a whole copy.
type manifest struct {
	Version string            `json:"version"`
	At      time.Time         `json:"at"`
	Files   map[string]string `json:"files"` // name → SHA-256
}

// file is the SQLite file to copy from or to.
func (s *storage) file() (string, error) {
	path, err := s.path()
	if err == nil && path == "" {
		err = errors.New("backup copies the file of a SQLite store: for one on MongoDB use the server's own tools, such as mongodump and snapshots, or balagh store copy to bring it into a file")
	}
	return path, err
}

// Run copies.
func (c *backupCreate) Run(ctx context.Context, std stdio) error {
	path, err := c.file()
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("there is no store at %s", path)
	}
	if err := os.Mkdir(c.Folder, 0o700); err != nil {
		return fmt.Errorf("make the folder of the copy: %w", err)
	}
	m := manifest{Version: version, At: time.Now().UTC(), Files: map[string]string{}}
	if err := sqlite.BackupFile(ctx, path, filepath.Join(c.Folder, backupStore)); err != nil {
		return fmt.Errorf("copy the store: %w", err)
	}
	if m.Files[backupStore], err = hashFile(filepath.Join(c.Folder, backupStore)); err != nil {
		return err
	}
	bucket, err := c.open(ctx, "")
	if err != nil {
		return err
	}
	defer bucket.Close()
	n, err := eachObject(ctx, bucket, std, func(key string) error {
		r, err := bucket.Open(ctx, key)
		if err != nil {
			return fmt.Errorf("a photo: %w", err)
		}
		defer r.Close()
		name := filepath.Join("photos", filepath.FromSlash(key))
		m.Files[filepath.ToSlash(name)], err = writeFile(filepath.Join(c.Folder, name), r)
		return err
	})
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return err
	}
	if _, err := writeFile(filepath.Join(c.Folder, backupManifest), strings.NewReader(string(b))); err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "copied the store and %d photo files to %s\n", n, c.Folder)
	return err
}

// eachObject goes through the originals: what is served can be made from them again.
func eachObject(ctx context.Context, b *photos.Bucket, std stdio, do func(key string) error) (n int, err error) {
	for o, err := range b.Keys(ctx, "originals/") {
		if err != nil {
			return n, fmt.Errorf("list the photos: %w", err)
		}
		if err := do(o.Key); err != nil {
			return n, err
		}
		if n++; n%1000 == 0 {
			fmt.Fprintf(std.err, "%d photos\n", n)
		}
	}
	return n, nil
}

// Run verifies.
func (c *backupVerify) Run(ctx context.Context, std stdio) error {
	m, err := verify(ctx, c.Folder)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "%d files are as they were copied on %s\n", len(m.Files), m.At.Format(time.RFC3339))
	return err
}

func verify(ctx context.Context, folder string) (*manifest, error) {
	b, err := os.ReadFile(filepath.Join(folder, backupManifest))
	if err != nil {
		return nil, fmt.Errorf("%s is not a whole copy: %w", folder, err)
	}
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("the manifest of the copy: %w", err)
	}
	for name, want := range m.Files {
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			return nil, fmt.Errorf("the manifest names a file outside the copy: %s", name)
		}
		got, err := hashFile(filepath.Join(folder, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		if got != want {
			return nil, fmt.Errorf("%s is not what was copied", name)
		}
	}
	if err := sqlite.CheckFile(ctx, filepath.Join(folder, backupStore)); err != nil {
		return nil, fmt.Errorf("the store in the copy: %w", err)
	}
	return &m, nil
}

// Run restores.
func (c *backupRestore) Run(ctx context.Context, std stdio) error {
	path, err := c.file()
	if err != nil {
		return err
	}
	m, err := verify(ctx, c.Folder)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("there is a store at %s already: move it away first", path)
	}
	bucket, err := c.open(ctx, photos.TrialKey())
	if err != nil {
		return err
	}
	defer bucket.Close()
	for name := range m.Files {
		key, ok := strings.CutPrefix(name, "photos/")
		if !ok {
			continue
		}
		if err := restorePhoto(ctx, bucket, filepath.Join(c.Folder, filepath.FromSlash(name)), key); err != nil {
			return fmt.Errorf("bring a photo back: %w", err)
		}
	}
	f, err := os.Open(filepath.Join(c.Folder, backupStore))
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := writeFile(path, f); err != nil { // last: a restore that was cut off can be repeated
		return fmt.Errorf("bring the store back: %w", err)
	}
	_, err = fmt.Fprintf(std.out, "brought back %d files, as they were on %s\n", len(m.Files), m.At.Format(time.RFC3339))
	return err
}

func restorePhoto(ctx context.Context, bucket *photos.Bucket, from, key string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	return bucket.Upload(ctx, key, f, &blob.WriterOptions{ContentType: "application/octet-stream"})
}

// writeFile writes a file durably and gives its hash.
func writeFile(name string, r io.Reader) (string, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return "", err
	}
	f, err := os.OpenFile(name+".part", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, h), r)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), os.Rename(name+".part", name)
}

func hashFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
