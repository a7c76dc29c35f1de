package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	_ "gocloud.dev/blob/azureblob" // azblob://
	_ "gocloud.dev/blob/gcsblob"   // gs://; s3:// comes with objectstore

	"github.com/balagh/balagh/photos"
	"github.com/balagh/balagh/photos/objectstore"
)

const (
	signedURLs      = "signed" // of --photo-urls
	maxPhotoURLTime = time.Hour
)

const howToWriteABucket = "file:///PATH, s3://BUCKET, gs://BUCKET or azblob://CONTAINER"

// bucket is the address of the photos.
func (s *storage) bucket() (string, error) {
	if scheme, _, _ := strings.Cut(s.Bucket, ":"); s.Bucket != "" {
		if scheme != "file" && !slices.Contains(objectstore.Schemes, scheme) {
			return "", fmt.Errorf("--bucket: a bucket of the kind %q is not known; write %s", scheme, howToWriteABucket)
		}
		return s.Bucket, nil
	}
	p, err := s.path()
	if err != nil {
		return "", err
	}
	if p == "" && !s.Dev {
		return "", errors.New("there is no place for photos: a store on MongoDB has no folder beside it, so set BALAGH_BUCKET to " + howToWriteABucket)
	}
	folder, err := s.folder()
	if err != nil {
		return "", err
	}
	if folder, err = filepath.Abs(folder); err != nil {
		return "", err
	}
	return "file://" + filepath.ToSlash(filepath.Join(folder, "photos")), nil
}

// open opens the bucket of photos. One of an object store is tried: read, and with a key written to as well.
func (s *storage) open(ctx context.Context, key string) (*photos.Bucket, error) {
	address, err := s.bucket()
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(address, "file:") {
		return photos.OpenBucket(ctx, address)
	}
	b, err := objectstore.Open(ctx, address, key)
	if err != nil {
		return nil, fmt.Errorf("--bucket: %w", err)
	}
	return photos.NewBucket(b.Bucket, b), nil
}

// photoLinks is how long a signed address of a picture is good, and where it leads; 0 and "" when pictures are streamed.
func (s *settings) photoLinks(ctx context.Context, b *photos.Bucket) (good time.Duration, origin string, err error) {
	if s.PhotoURLs != signedURLs {
		return 0, "", nil
	}
	if origin, err = b.Signs(ctx, s.PhotoURLTime); err != nil {
		return 0, "", fmt.Errorf("BALAGH_PHOTO_URLS=%s: %w", signedURLs, err)
	}
	return s.PhotoURLTime, origin, nil
}

// withoutUser is an address as it may be shown: what comes before the @ of a host may be a secret.
func withoutUser(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "********"
	}
	if u.User != nil {
		u.User = url.User("********")
	}
	q := u.Query()
	if strings.Contains(q.Get("endpoint"), "@") {
		q.Set("endpoint", "********")
		u.RawQuery = q.Encode()
	}
	return u.String()
}
