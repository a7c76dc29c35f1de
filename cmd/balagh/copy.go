package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"
	"gocloud.dev/blob"

	"github.com/balagh/balagh/photos"
	"github.com/balagh/balagh/store/transfer"
	"github.com/balagh/balagh/surveys"
)

// storeCopy moves a whole installation from one store to another, and its photos from one bucket to another.
type storeCopy struct {
	From       string `arg:"" placeholder:"URI" help:"The store to copy: sqlite:PATH, mongodb://… or mongodb+srv://…. It is only read; stop every server of it before."`
	To         string `arg:"" placeholder:"URI" help:"The store to copy to. It must be empty, or hold the beginning of this very copy."`
	FromBucket string `placeholder:"URI" help:"Where the photos are. Default: the folder photos beside the SQLite file."`
	ToBucket   string `placeholder:"URI" help:"Where the photos go. Default: the folder photos beside the SQLite file; the same address as --from-bucket leaves them where they are."`
	Resume     bool   `help:"Go on where this very copy was cut off."`
	Dev        bool   `hidden:""`
}

// Run copies, verifies, and counts anew what is counted from the rest.
func (c *storeCopy) Run(ctx context.Context, std stdio) error {
	from, to := &storage{Store: c.From, Bucket: c.FromBucket, Dev: c.Dev}, &storage{Store: c.To, Bucket: c.ToBucket, Dev: c.Dev}
	source, err := from.openExisting(ctx)
	if err != nil {
		return err
	}
	defer source.Close()
	here, err := from.open(ctx, "")
	if err != nil {
		return err
	}
	defer here.Close()
	target, _, err := to.openStore(ctx, nil)
	if err != nil {
		return err
	}
	defer target.Close()
	there, err := to.open(ctx, photos.TrialKey())
	if err != nil {
		return err
	}
	defer there.Close()

	p := &bar{w: std.err}
	o := transfer.Options{From: from.shown(), Resume: c.Resume, Told: p.told("copying"), Check: p.told("comparing")}
	verified, err := transfer.Copy(ctx, source, target, o)
	p.done()
	switch {
	case errors.Is(err, transfer.ErrNotEmpty), errors.Is(err, transfer.ErrOther):
		return fmt.Errorf("%w; nothing was written. Name an empty store, or add --resume to go on with a copy that was cut off", err)
	case err != nil:
		return fmt.Errorf("%w\nwhat was copied stays; when the cause is gone, run the same command with --resume", err)
	}
	told := p.told("counting")
	ratings := 0
	if err := (&surveys.Service{Store: target, Now: time.Now, NewID: uuid.NewString}).Settle(ctx, func(n int) {
		ratings = n
		told("ratings", int64(n), int64(n))
	}); err != nil {
		return err
	}
	n, size, err := copyPhotos(ctx, here.Bucket, there.Bucket, p)
	p.done()
	if err != nil {
		return fmt.Errorf("%w\nrun the same command with --resume: photos that are there are not copied again", err)
	}
	for _, v := range verified {
		fmt.Fprintf(std.out, "%-15s %9d  %s\n", v.Kind, v.Sum.N, &v.Sum)
	}
	_, err = fmt.Fprintf(std.out, "%-15s %9d  %d bytes, each compared\n%-15s %9d  counted anew\nevery record is in %s as it is in %s\n", "photo files", n, size, "ratings", ratings,
		to.shown(), from.shown())
	return err
}

// copyPhotos copies every object of a bucket that the other does not have, and reads back what it wrote.
func copyPhotos(ctx context.Context, from, to *blob.Bucket, p *bar) (n int, size int64, err error) {
	told := p.told("copying")
	all := int64(0)
	for list := from.List(nil); ; all++ {
		if _, err := list.Next(ctx); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return 0, 0, fmt.Errorf("list the photos: %w", err)
		}
	}
	for list := from.List(nil); ; n++ {
		o, err := list.Next(ctx)
		if errors.Is(err, io.EOF) {
			told("photo files", int64(n), all)
			return n, size, nil
		}
		if err != nil {
			return n, size, fmt.Errorf("list the photos: %w", err)
		}
		told("photo files", int64(n), all)
		want, err := hashObject(ctx, from, o.Key)
		if err != nil {
			return n, size, err
		}
		if got, err := hashObject(ctx, to, o.Key); err != nil || got != want { // not there, or not whole
			if err := copyObject(ctx, from, to, o.Key); err != nil {
				return n, size, err
			}
			if got, err := hashObject(ctx, to, o.Key); err != nil || got != want {
				return n, size, errors.Join(errors.New("a photo differs from what was copied"), err)
			}
		}
		size += o.Size
	}
}

func copyObject(ctx context.Context, from, to *blob.Bucket, key string) error {
	a, err := from.Attributes(ctx, key)
	if err != nil {
		return fmt.Errorf("read a photo: %w", err)
	}
	r, err := from.NewReader(ctx, key, nil)
	if err != nil {
		return fmt.Errorf("read a photo: %w", err)
	}
	defer r.Close()
	kind := a.ContentType
	if kind == "" {
		kind = "application/octet-stream"
	}
	if err := to.Upload(ctx, key, r, &blob.WriterOptions{ContentType: kind, CacheControl: a.CacheControl, ContentDisposition: a.ContentDisposition, Metadata: a.Metadata}); err != nil {
		return fmt.Errorf("write a photo: %w", err)
	}
	return nil
}

func hashObject(ctx context.Context, b *blob.Bucket, key string) (sum [sha256.Size]byte, err error) {
	r, err := b.NewReader(ctx, key, nil)
	if err != nil {
		return sum, fmt.Errorf("read a photo: %w", err)
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return sum, fmt.Errorf("read a photo: %w", err)
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// bar is one line that is written over and over, at most ten times a second.
type bar struct {
	w     io.Writer
	last  time.Time
	shown bool
}

const barWidth = 30

func (p *bar) told(doing string) func(kind string, done, all int64) {
	return func(kind string, done, all int64) {
		if time.Since(p.last) < 100*time.Millisecond && done < all {
			return
		}
		p.last, p.shown = time.Now(), true
		filled := barWidth
		if all > 0 {
			filled = int(min(done, all) * barWidth / all)
		}
		fmt.Fprintf(p.w, "\r\x1b[K%s %-15s [%s%s] %d of %d", doing, kind, strings.Repeat("█", filled), strings.Repeat("░", barWidth-filled), done, all)
	}
}

func (p *bar) done() {
	if p.shown {
		fmt.Fprintln(p.w)
		p.shown = false
	}
}
