package fcm

import (
	"bytes"
	"io"
	"net/http"
)

const (
	maxAnswer   = 1 << 20
	retryAfter  = "Retry-After"
	serversSaid = "X-Balagh-Retry-After" // what the server's Retry-After was
	never       = "86400"                // more than the two minutes that the SDK would wait for
)

// once makes the SDK try once: the SDK tries again after network errors and 503, unless a Retry-After asks for more than
// it is willing to wait. So every network error becomes a 503, and every 503 asks for a day.
type once struct{ next http.RoundTripper }

func (o once) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := o.next.RoundTrip(r)
	if err != nil {
		return unavailable(r), nil //nolint:nilerr // the SDK would try again
	}
	body, err := read(resp)
	_ = resp.Body.Close()
	if err != nil { // cut within the answer
		return unavailable(r), nil //nolint:nilerr // as above
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if resp.StatusCode == http.StatusServiceUnavailable {
		resp.Header.Set(serversSaid, resp.Header.Get(retryAfter))
		resp.Header.Set(retryAfter, never)
	}
	return resp, nil
}

// read is the answer's body in one piece, of the length that the answer names.
func read(resp *http.Response) ([]byte, error) {
	if resp.ContentLength >= 0 && resp.ContentLength <= maxAnswer {
		body := make([]byte, resp.ContentLength)
		_, err := io.ReadFull(resp.Body, body)
		return body, err
	}
	return io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
}

func unavailable(r *http.Request) *http.Response {
	return &http.Response{Status: "503 Service Unavailable", StatusCode: http.StatusServiceUnavailable, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{retryAfter: {never}, serversSaid: {""}}, Body: http.NoBody, Request: r}
}
