package objectstore

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/azureblob"
	_ "gocloud.dev/blob/gcsblob"

	"github.com/balagh/balagh/photos/phototest"
)

func TestMain(m *testing.M) {
	if !phototest.Prepare(fmt.Println) {
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// alone leaves nothing in the environment that an SDK could find credentials by.
func alone(t *testing.T) {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "AZURE_") || strings.HasPrefix(name, "GOOGLE_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("NO_GCE_CHECK", "true")
}

func TestOpen_refused(t *testing.T) {
	alone(t)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + closed.Addr().String()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	page := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(page.Close)
	if err := closed.Close(); err != nil { // last, so that none of these gets its port
		t.Fatal(err)
	}
	keys := map[string]string{"AWS_ACCESS_KEY_ID": "AKIAWRONG", "AWS_SECRET_ACCESS_KEY": "a-secret-that-is-nowhere-told"}
	account := map[string]string{"AZURE_STORAGE_ACCOUNT": "balagh", "AZURE_STORAGE_KEY": "YS1zZWNyZXQtdGhhdC1pcy1ub3doZXJlLXRvbGQ="}
	signature := map[string]string{"AZURE_STORAGE_ACCOUNT": "balagh", "AZURE_STORAGE_SAS_TOKEN": "sv=2026-01-01&sig=a-secret-that-is-nowhere-told",
		"AZURE_STORAGE_DOMAIN": strings.TrimPrefix(nobody, "http://"), "AZURE_STORAGE_PROTOCOL": "http"}
	for _, x := range []struct {
		address, want string
		env           map[string]string
	}{
		{"://", "no URL", nil},
		{"ftp://x", `the kind "ftp" is not known`, nil},
		{"s3://", "names no bucket", nil},
		{"s3://key:a-secret-that-is-nowhere-told@x", "set them in the environment", nil},
		{"s3://x?endpoint=http://key:a-secret-that-is-nowhere-told@127.0.0.1", "set them in the environment", nil},
		{"s3://x?secret_key=a-secret-that-is-nowhere-told", `unknown query parameter "secret_key"`, keys},
		{"s3://x", "AWS_REGION", keys},
		{"s3://x?region=us-east-1&ssetype=rot13", "rot13", keys},
		{"s3://x?region=us-east-1", "AWS_ACCESS_KEY_ID", nil},
		{"s3://x?region=us-east-1&use_path_style=true&endpoint=" + nobody, "cannot be reached: dial tcp", keys},
		{"s3://x?region=us-east-1&use_path_style=true&endpoint=http://no-such-host.invalid", "cannot be reached: lookup no-such-host.invalid", keys},
		{"s3://x?region=us-east-1&use_path_style=true&endpoint=http://" + silent.Addr().String(), "does not answer", keys},
		{"s3://x?region=us-east-1&use_path_style=true&endpoint=" + page.URL, "not that of an object store", keys},
		{"gs://x", "GOOGLE_APPLICATION_CREDENTIALS", nil},
		{"azblob://x", "AZURE_STORAGE_ACCOUNT", nil},
		{"azblob://x?protocol=http&domain=" + strings.TrimPrefix(page.URL, "http://"), "not that of an object store", account},
		{"azblob://x", "does not answer", signature}, // it tries again, for longer than that
	} {
		t.Run(x.want, func(t *testing.T) {
			for name, v := range x.env {
				t.Setenv(name, v)
			}
			limit := openTime
			if x.want == "does not answer" {
				limit = time.Second
			}
			b, err := openWithin(t.Context(), limit, x.address, "trial")
			if err == nil {
				_ = b.Close()
			}
			refusal(t, err, x.want)
		})
	}
}

// refusal wants one sentence without a secret.
func refusal(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 400 || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v, want a sentence with: %s", err, want)
	}
	if err != nil && (strings.Contains(err.Error(), "nowhere-told") || strings.Contains(err.Error(), "YS1zZWNy")) {
		t.Errorf("it tells a secret: %v", err)
	}
}

func TestExplain_masked(t *testing.T) {
	const secret = "a-secret-that-is-nowhere-told"
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	u, err := url.Parse("gs://x?private_key_path=" + secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []error{
		&step{"list", fmt.Errorf("open bucket %v: no", u)},
		errors.New("the key " + secret + " is bad"),
		&url.Error{Op: "Get", URL: "https://x.example/y?sv=1&sig=" + secret, Err: errors.New("no route")},
		errors.New(strings.Repeat("long ", 100) + "\nand a second line"),
	} {
		refusal(t, explain(u, e), "the bucket x cannot be used: ")
	}
}

func TestOpen_S3(t *testing.T) {
	address := phototest.Address(t)
	if address == "" {
		return
	}
	t.Run("wrong bucket", func(t *testing.T) {
		_, err := Open(t.Context(), strings.Replace(address, "//", "//no-such-", 1), "")
		refusal(t, err, "there is no bucket no-such-")
	})
	t.Run("wrong key", func(t *testing.T) {
		t.Setenv("AWS_ACCESS_KEY_ID", "AKIAWRONG")
		_, err := Open(t.Context(), address, "")
		refusal(t, err, "does not let these credentials list in the bucket balagh-tests (")
	})
	t.Run("wrong secret", func(t *testing.T) {
		t.Setenv("AWS_SECRET_ACCESS_KEY", "a-secret-that-is-nowhere-told")
		_, err := Open(t.Context(), address, "")
		refusal(t, err, "does not let these credentials list")
	})
	t.Run("tried", func(t *testing.T) {
		b, err := Open(t.Context(), phototest.With(t, address, "ssetype", "aes256"), "trial")
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		if o, err := b.List(nil).Next(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("the trial left %v, %v", o, err)
		}
		if err := b.WriteAll(t.Context(), "a/b.jpg", []byte("x"), &blob.WriterOptions{ContentType: "image/jpeg"}); err != nil {
			t.Fatal(err)
		}
		again, err := Open(t.Context(), address, "")
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		if got, err := again.ReadAll(t.Context(), "a/b.jpg"); err != nil || string(got) != "x" {
			t.Errorf("read %q, %v", got, err)
		}
	})
}
