package fcm

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// HTTP/1.1 is spoken even to a server that would rather speak HTTP/2, as Google's does.
func TestConfig_transport(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.Proto)) }))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	c := Config{Endpoint: srv.URL + "/v1", Workers: 4, Timeout: 5 * time.Second}
	transport, err := c.transport(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	plain := transport.(*http.Transport)
	plain.TLSClientConfig = &tls.Config{RootCAs: srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, MinVersion: tls.VersionTLS12}
	resp, err := (&http.Client{Transport: once{transport}}).Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Proto != "HTTP/1.1" {
		t.Errorf("%s %s; want HTTP/1.1", resp.Status, resp.Proto)
	}
}
