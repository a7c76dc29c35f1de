// Package fault is the closed set of errors that Balagh answers with.
//
// A domain returns a *fault.Error when the caller can do something about it; every other error is an internal one, whose
// text never leaves the process. The package knows no transport: api owns the one table from Code to HTTP status and to
// sentences in the caller's language.
package fault

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Code is stable: clients compare it, so a released one is never renamed or reused.
type Code string

// The codes, in the order of the HTTP status that api gives them.
const (
	Malformed            Code = "malformed_request"       // 400: not JSON, unknown field, wrong type
	Unauthenticated      Code = "unauthenticated"         // 401: no token, or one that proves nothing
	TokenExpired         Code = "token_expired"           // 401: a genuine token past its time
	CodeRefused          Code = "code_refused"            // 401: wrong, used, expired or exhausted one-time code
	CredentialsRefused   Code = "credentials_refused"     // 401: wrong e-mail, password or second factor
	SecondFactorNeeded   Code = "second_factor_needed"    // 401: the password is right, a TOTP is wanted
	AppCheckRefused      Code = "app_check_refused"       // 401: the app has not shown that it is genuine
	Forbidden            Code = "forbidden"               // 403
	NotFound             Code = "not_found"               // 404: absent, or not the caller's to see
	MethodNotAllowed     Code = "method_not_allowed"      // 405
	Conflict             Code = "conflict"                // 409: the object is not in a state that allows this
	Exists               Code = "already_exists"          // 409
	TransitionNotAllowed Code = "transition_not_allowed"  // 409: Allowed lists what is
	InFlight             Code = "request_in_flight"       // 409: the same Idempotency-Key is being worked on
	NotReversible        Code = "not_reversible"          // 409: what was done has no way back
	Gone                 Code = "gone"                    // 410: its time is over
	PreconditionFailed   Code = "precondition_failed"     // 412: If-Match names an older version
	TooLarge             Code = "too_large"               // 413
	UnsupportedMedia     Code = "unsupported_media_type"  // 415
	Invalid              Code = "validation_failed"       // 422: Fields says where
	KeyReused            Code = "idempotency_key_reused"  // 422: same key, other body
	OutsideArea          Code = "outside_served_area"     // 422: no centre serves the place
	PhotoRefused         Code = "photo_refused"           // 422: damaged, or larger than can be shown
	UpgradeNeeded        Code = "upgrade_needed"          // 426: the app is too old
	TooManyRequests      Code = "too_many_requests"       // 429: RetryAfter says when
	Internal             Code = "internal"                // 500
	Unavailable          Code = "temporarily_unavailable" // 503: RetryAfter says when
)

// Reason says what is wrong with one field; api has a sentence for each in every language.
type Reason string

// The reasons.
const (
	Required     Reason = "required"
	TooShort     Reason = "too_short"
	TooLong      Reason = "too_long"
	OutOfRange   Reason = "out_of_range"
	WrongType    Reason = "wrong_type"
	WrongFormat  Reason = "wrong_format"
	Unknown      Reason = "unknown"     // no such field, value, category, photo …
	NotAllowed   Reason = "not_allowed" // exists, but not here or not by you
	TooMany      Reason = "too_many"
	Duplicate    Reason = "duplicate"
	Contradicted Reason = "contradictory" // does not go with another field
)

// Field is one fault of one input field.
type Field struct {
	// Path is a JSON pointer without the leading slash: "place/latitude", "attributes/mosque_name". Where one character of a string
	// is the fault, its place in code points, from 0, follows: "texts/ar/body/17".
	Path   string
	Reason Reason
}

// Error is a fault that the caller may know of. Cause is for the log only and must hold no personal data.
type Error struct {
	Code       Code
	Fields     []Field       // with Invalid, Malformed
	Allowed    []string      // with TransitionNotAllowed: the transitions that are allowed
	RetryAfter time.Duration // with TooManyRequests, Unavailable, InFlight; rounded up to seconds
	Cause      error
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Code))
	for i, f := range e.Fields {
		b.WriteString([]string{": ", ", "}[min(i, 1)])
		fmt.Fprintf(&b, "%s %s", f.Path, f.Reason)
	}
	if e.Cause != nil {
		fmt.Fprintf(&b, ": %v", e.Cause)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Cause }

// Is makes errors.Is(err, fault.New(fault.NotFound)) true for any fault of that code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// New is a fault without details.
func New(c Code) *Error { return &Error{Code: c} }

// Newf is a fault with a cause for the log.
func Newf(c Code, format string, args ...any) *Error {
	return &Error{Code: c, Cause: fmt.Errorf(format, args...)}
}

// At is an Invalid fault of one field.
func At(path string, r Reason) *Error {
	return &Error{Code: Invalid, Fields: []Field{{path, r}}}
}

// Later is a fault that passes by itself: TooManyRequests or Unavailable.
func Later(c Code, after time.Duration) *Error { return &Error{Code: c, RetryAfter: after} }

// CodeOf is the code of the fault within err: Internal when there is none, "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}

// Fields collects faults of input fields, so that all are told at once.
type Fields []Field

// Add notes a fault of the field at path.
func (f *Fields) Add(path string, r Reason) { *f = append(*f, Field{path, r}) }

// Err is nil when nothing was collected, an Invalid fault otherwise.
func (f Fields) Err() error {
	if len(f) == 0 {
		return nil
	}
	return &Error{Code: Invalid, Fields: f}
}
