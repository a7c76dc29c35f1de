// Package objectstore opens buckets of object stores: S3 and what speaks its protocol, Google Cloud Storage, Azure Blob Storage.
//
// A bucket is tried when it is opened, so that a wrong address or wrong credentials are told at the start, in one sentence without
// secrets. The package is apart from photos because of its weight: whoever needs photos in files alone links no SDK. The drivers of
// Google and Azure are heavier still, and the program imports them: gocloud.dev/blob/gcsblob and gocloud.dev/blob/azureblob.
package objectstore

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcp"
)

// Schemes begin the addresses that Open takes.
var Schemes = []string{"s3", "gs", "azblob"}

// openTime is how long a bucket may take to be opened and tried.
const openTime = 8 * time.Second

// Bucket is one that was tried.
type Bucket struct {
	*blob.Bucket
	idle func() // closes connections that nobody uses
}

// Close ends the use of the bucket.
func (b *Bucket) Close() error {
	err := b.Bucket.Close()
	if b.idle != nil {
		b.idle()
	}
	return err
}

// Open opens s3://BUCKET, gs://BUCKET or azblob://CONTAINER, with the parameters that gocloud.dev/blob has for it, and looks into
// it. With a key it writes an object of that name as well, and deletes it. Credentials come from the environment or the machine,
// never from the address.
func Open(ctx context.Context, address, key string) (*Bucket, error) {
	return openWithin(ctx, openTime, address, key)
}

func openWithin(ctx context.Context, limit time.Duration, address, key string) (*Bucket, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("it is no URL") // whose text may hold a secret
	}
	switch {
	case !slices.Contains(Schemes, u.Scheme):
		return nil, fmt.Errorf("a bucket of the kind %q is not known", u.Scheme)
	case u.User != nil, strings.Contains(u.Query().Get("endpoint"), "@"):
		return nil, errors.New("credentials do not belong into the address: set them in the environment")
	case u.Host == "":
		return nil, fmt.Errorf("it names no bucket: write %s://NAME", u.Scheme)
	}
	type opened struct {
		bucket *Bucket
		err    error
	}
	tried, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	done := make(chan opened, 1) // an SDK may heed no context while it looks for credentials
	go func() {
		b, err := open(context.WithoutCancel(ctx), tried, u)
		if err == nil {
			if err = try(tried, b, key); err != nil {
				_ = b.Close()
			}
		}
		done <- opened{b, err}
	}()
	select {
	case o := <-done:
		if o.err == nil {
			return o.bucket, nil
		}
		err = o.err
	case <-tried.Done():
		err = tried.Err()
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, explain(u, err)
}

// open makes a client. What it keeps lives with the context keep; what it asks meanwhile ends with ctx.
func open(keep, ctx context.Context, u *url.URL) (*Bucket, error) {
	q := u.Query()
	switch u.Scheme {
	case "s3":
		return openS3(keep, ctx, u)
	case "gs":
		anonymous := q.Get("anonymous") == "true" || q.Get("access_id") == "-"
		emulated := os.Getenv("STORAGE_EMULATOR_HOST") != "" || os.Getenv("STORAGE_EMULATOR_HOST_GRPC") != ""
		if !anonymous && !emulated {
			if _, err := gcp.DefaultCredentials(keep); err != nil {
				return nil, plain("no credentials for Google Cloud Storage were found: set GOOGLE_APPLICATION_CREDENTIALS to the file of a service account")
			}
		}
	case "azblob":
		known := slices.ContainsFunc([]string{"AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGEBLOB_CONNECTIONSTRING"},
			func(name string) bool { return os.Getenv(name) != "" })
		if !known && q.Get("storage_account") == "" {
			return nil, plain("the storage account is not known: set AZURE_STORAGE_ACCOUNT, and AZURE_STORAGE_KEY with it")
		}
	}
	b, err := blob.OpenBucket(keep, u.String())
	if err != nil {
		return nil, err
	}
	return &Bucket{Bucket: b}, nil
}

// try looks into a bucket, and writes and deletes an object when there is a key for it.
func try(ctx context.Context, b *Bucket, key string) error {
	if _, _, err := b.ListPage(ctx, blob.FirstPageToken, 1, nil); err != nil {
		return &step{"list", err}
	}
	if key == "" {
		return nil
	}
	// Not WriteAll, in which the writer of Azure panics when it is refused.
	if err := b.Upload(ctx, key, strings.NewReader("tried at the start"), &blob.WriterOptions{ContentType: "text/plain"}); err != nil {
		return &step{"write", err}
	}
	if err := b.Delete(ctx, key); err != nil {
		return &step{"delete", err}
	}
	return nil
}
