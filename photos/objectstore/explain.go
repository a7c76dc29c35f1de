package objectstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/aws/smithy-go"
	"google.golang.org/api/googleapi"
)

// plain is an error that is a sentence for people already.
type plain string

func (p plain) Error() string { return string(p) }

// step is what failed while a bucket was tried.
type step struct {
	doing string
	err   error
}

func (s *step) Error() string { return s.doing + ": " + s.err.Error() }
func (s *step) Unwrap() error { return s.err }

// explain says in one sentence, without secrets, what is wrong with a bucket.
func explain(u *url.URL, err error) error {
	var p plain
	if errors.As(err, &p) {
		return p
	}
	code, status := answered(err)
	s := &step{doing: "open"}
	errors.As(err, &s)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("the object store does not answer: is the address right, and can this machine reach it?")
	case code == "NoSuchBucket" || code == "ContainerNotFound":
		return fmt.Errorf("there is no bucket %s", u.Host)
	case status == http.StatusNotFound && (code == "" || code == "NotFound"):
		return fmt.Errorf("there is no bucket %s, or the address is not that of an object store", u.Host)
	case status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusNotFound:
		return fmt.Errorf("the object store does not let these credentials %s in the bucket %s (%s)", s.doing, u.Host, cmp.Or(code, http.StatusText(status)))
	}
	if why := unreached(err); why != "" {
		return fmt.Errorf("the object store cannot be reached: %s", why)
	}
	if s.err != nil {
		err = s.err
	}
	return fmt.Errorf("the bucket %s cannot be used: %s", u.Host, masked(u, err.Error()))
}

// answered is what an object store answered: its own word for it, and the status of HTTP.
func answered(err error) (code string, status int) {
	var api smithy.APIError
	var aws interface{ HTTPStatusCode() int }
	var google *googleapi.Error
	var azure *azcore.ResponseError
	switch {
	case errors.As(err, &google):
		return "", google.Code
	case errors.As(err, &azure):
		return azure.ErrorCode, azure.StatusCode
	case errors.As(err, &aws):
		if errors.As(err, &api) && api.ErrorCode() != "UnknownError" {
			code = api.ErrorCode()
		}
		return code, aws.HTTPStatusCode()
	}
	return "", 0
}

// unreached says why there is no connection, "" when that is not it.
func unreached(err error) string {
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &dns):
		return dns.Error()
	case errors.As(err, &op):
		return op.Error()
	}
	return ""
}

var (
	secretNames = []string{"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN",
		"AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGEBLOB_CONNECTIONSTRING", "AZURE_CLIENT_SECRET"}
	parameters = regexp.MustCompile(`\?[^\s"']+`) // of a URL: a signature may be among them
)

const maxText = 300

// masked is the first line of a text, without what is secret.
func masked(u *url.URL, text string) string {
	text = strings.ReplaceAll(text, u.String(), u.Scheme+"://"+u.Host)
	for _, name := range secretNames {
		if v := os.Getenv(name); v != "" {
			text = strings.ReplaceAll(text, v, "********")
		}
	}
	text = parameters.ReplaceAllString(text, "?…")
	text, _, _ = strings.Cut(text, "\n")
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + " …"
	}
	return text
}
