package api

import (
	"encoding/base64"

	"github.com/balagh/balagh/fault"
)

// cursorOf hides where the next page begins; nil at the end.
func cursorOf(place string) *string {
	if place == "" {
		return nil
	}
	c := base64.RawURLEncoding.EncodeToString([]byte(place))
	return &c
}

// afterOf reads a cursor; "" without one.
func afterOf(cursor *string) (string, error) {
	if cursor == nil {
		return "", nil
	}
	place, err := base64.RawURLEncoding.Strict().DecodeString(*cursor)
	if err != nil || len(place) == 0 {
		return "", fault.At("cursor", fault.WrongFormat)
	}
	return string(place), nil
}

// limitOf is how many items a page has: 20 when the caller does not say.
func limitOf(limit *int) int {
	if limit == nil {
		return 20
	}
	return *limit
}
