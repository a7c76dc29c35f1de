package api

import (
	"strconv"
	"strings"

	"github.com/balagh/balagh/fault"
)

// revisionTag is the ETag of a version of something that If-Match can name.
func revisionTag(rev int64) *string {
	t := `"` + strconv.FormatInt(rev, 10) + `"`
	return &t
}

// revisionOf reads If-Match: nil without one and for "*", which matches whatever is there. A tag that no version ever had
// names none of them: PreconditionFailed.
func revisionOf(ifMatch *string) (*int64, error) {
	if ifMatch == nil || strings.TrimSpace(*ifMatch) == "*" {
		return nil, nil
	}
	tag := strings.TrimSpace(*ifMatch)
	if n := len(tag); n > 2 && tag[0] == '"' && tag[n-1] == '"' {
		if rev, err := strconv.ParseInt(tag[1:n-1], 10, 64); err == nil {
			return &rev, nil
		}
	}
	return nil, fault.New(fault.PreconditionFailed)
}
