// Package phototest gives tests a bucket of an object store: one that speaks S3, such as tools/s3 starts.
package phototest

import (
	"net/url"
	"os"
	"testing"

	"github.com/google/uuid"
)

// S3 names the environment variable with the address of a bucket for tests.
const S3 = "BALAGH_TEST_S3"

// WithoutS3 is what a test run without one says.
const WithoutS3 = "the S3 half is left out; to have it: export " + S3 + "=$(tools/s3 up)"

// The keys of what tools/s3 starts.
const (
	keyID  = "balagh"
	secret = "balagh-for-tests"
)

// Prepare says what is left out, and whether that may be: in CI nothing is. Call it in TestMain.
func Prepare(say func(...any) (int, error)) (ok bool) {
	if os.Getenv(S3) == "" {
		_, _ = say(WithoutS3)
		return os.Getenv("CI") == ""
	}
	if os.Getenv("AWS_ACCESS_KEY_ID") == "" {
		_ = os.Setenv("AWS_ACCESS_KEY_ID", keyID)
		_ = os.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	}
	return true
}

// Address is that of a bucket with nothing in it, "" where there is no server.
func Address(t testing.TB) string {
	t.Helper()
	address := os.Getenv(S3)
	if address == "" {
		return ""
	}
	return With(t, address, "prefix", uuid.NewString()+"/")
}

// With is an address with one parameter set.
func With(t testing.TB, address, name, value string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}
