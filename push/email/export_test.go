package email

import (
	"bytes"
	"time"

	"github.com/balagh/balagh/push"
)

// KeepFor changes how long a connection is kept while nothing is sent.
func KeepFor(c *Client, d time.Duration) { c.kept.rest = d }

// Written is a notice as it would be sent.
func Written(c *Client, n push.Notice) ([]byte, error) {
	m, _, err := c.message(n)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	_, err = m.WriteTo(&b)
	return b.Bytes(), err
}
