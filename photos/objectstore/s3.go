package objectstore

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"
)

// connections stay open for the next photo: as many as there are uploads at once on a busy server.
const connections = 64

// openS3 takes what s3blob makes of the address, and gives it an HTTP client that can be closed.
func openS3(keep, ctx context.Context, u *url.URL) (*Bucket, error) {
	made, err := blob.OpenBucket(keep, u.String())
	if err != nil {
		return nil, err
	}
	var client *s3.Client
	if !made.As(&client) {
		return nil, plain("it is no bucket of S3")
	}
	options := client.Options()
	if options.Region == "" {
		return nil, plain("no region is set: set AWS_REGION, or add region=… to the address")
	}
	q := u.Query()
	if options.Credentials != nil && q.Get("anonymous") != "true" {
		if _, err := options.Credentials.Retrieve(ctx); err != nil && ctx.Err() == nil {
			return nil, plain("no credentials for S3 were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
		}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = (&net.Dialer{Timeout: 3 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	transport.MaxIdleConnsPerHost = connections
	b, err := s3blob.OpenBucket(keep, s3.New(options, func(o *s3.Options) {
		o.HTTPClient = &http.Client{Transport: transport, CheckRedirect: onward}
	}), u.Host, &s3blob.Options{EncryptionType: encryption(q.Get("ssetype")), KMSEncryptionID: q.Get("kmskeyid"),
		RequestChecksumCalculation: options.RequestChecksumCalculation})
	if err != nil {
		return nil, err
	}
	if prefix := q.Get("prefix"); prefix != "" {
		b = blob.PrefixedBucket(b, prefix)
	}
	return &Bucket{Bucket: b, idle: transport.CloseIdleConnections}, nil
}

// onward follows what S3 says of a bucket that was just made, and nothing else, as the SDK's own client does.
func onward(r *http.Request, via []*http.Request) error {
	if s := r.Response.StatusCode; len(via) < 5 && (s == http.StatusTemporaryRedirect || s == http.StatusPermanentRedirect) {
		return nil
	}
	return http.ErrUseLastResponse
}

// encryption is the kind that was named; s3blob has refused any that there is not.
func encryption(name string) types.ServerSideEncryption {
	for _, e := range types.ServerSideEncryption("").Values() {
		if strings.EqualFold(string(e), name) {
			return e
		}
	}
	return ""
}
