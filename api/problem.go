package api

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"github.com/balagh/balagh/fault"
)

// problem is RFC 9457 with our stable code.
type problem struct {
	Type     string         `json:"type"`
	Title    string         `json:"title"`
	Status   int            `json:"status"`
	Code     fault.Code     `json:"code"`
	Instance string         `json:"instance,omitempty"`
	Fields   []problemField `json:"fields,omitempty"`
	Allowed  []string       `json:"allowed,omitempty"`
}

type problemField struct {
	Path    string       `json:"path"`
	Reason  fault.Reason `json:"reason"`
	Message string       `json:"message"`
}

// statuses is the one table from codes to HTTP.
var statuses = map[fault.Code]int{
	fault.Malformed:            fiber.StatusBadRequest,
	fault.Unauthenticated:      fiber.StatusUnauthorized,
	fault.TokenExpired:         fiber.StatusUnauthorized,
	fault.CodeRefused:          fiber.StatusUnauthorized,
	fault.CredentialsRefused:   fiber.StatusUnauthorized,
	fault.SecondFactorNeeded:   fiber.StatusUnauthorized,
	fault.AppCheckRefused:      fiber.StatusUnauthorized,
	fault.Forbidden:            fiber.StatusForbidden,
	fault.NotFound:             fiber.StatusNotFound,
	fault.MethodNotAllowed:     fiber.StatusMethodNotAllowed,
	fault.Conflict:             fiber.StatusConflict,
	fault.Exists:               fiber.StatusConflict,
	fault.TransitionNotAllowed: fiber.StatusConflict,
	fault.InFlight:             fiber.StatusConflict,
	fault.NotReversible:        fiber.StatusConflict,
	fault.Gone:                 fiber.StatusGone,
	fault.PreconditionFailed:   fiber.StatusPreconditionFailed,
	fault.TooLarge:             fiber.StatusRequestEntityTooLarge,
	fault.UnsupportedMedia:     fiber.StatusUnsupportedMediaType,
	fault.Invalid:              fiber.StatusUnprocessableEntity,
	fault.KeyReused:            fiber.StatusUnprocessableEntity,
	fault.OutsideArea:          fiber.StatusUnprocessableEntity,
	fault.PhotoRefused:         fiber.StatusUnprocessableEntity,
	fault.UpgradeNeeded:        fiber.StatusUpgradeRequired,
	fault.TooManyRequests:      fiber.StatusTooManyRequests,
	fault.Internal:             fiber.StatusInternalServerError,
	fault.Unavailable:          fiber.StatusServiceUnavailable,
}

// asFault finds the fault in an error: Fiber's own errors and a cut or overlong request have one too, all others are internal.
func asFault(err error) *fault.Error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	if fe, ok := errors.AsType[*fiber.Error](err); ok {
		switch {
		case fe.Code == fiber.StatusNotFound:
			return fault.New(fault.NotFound)
		case fe.Code == fiber.StatusMethodNotAllowed:
			return fault.New(fault.MethodNotAllowed)
		case fe.Code == fiber.StatusRequestEntityTooLarge:
			return fault.New(fault.TooLarge)
		case fe.Code == fiber.StatusUnsupportedMediaType:
			return fault.New(fault.UnsupportedMedia)
		case fe.Code == fiber.StatusServiceUnavailable:
			return fault.Newf(fault.Unavailable, "%w", err)
		case fe.Code >= 400 && fe.Code < 500:
			return &fault.Error{Code: fault.Malformed, Cause: err}
		}
	}
	if deadline(err) {
		return &fault.Error{Code: fault.Unavailable, Cause: err}
	}
	return &fault.Error{Code: fault.Internal, Cause: err}
}

// refuse writes the problem document of err and returns the fault for the log.
func refuse(c *fiber.Ctx, err error) *fault.Error {
	f := asFault(err)
	lang := languageOf(c.UserContext())
	p := problem{Type: "about:blank", Status: statuses[f.Code], Code: f.Code, Title: titles[f.Code][lang], Allowed: f.Allowed, Instance: requestID(c)}
	for _, x := range f.Fields {
		p.Fields = append(p.Fields, problemField{x.Path, x.Reason, reasons[x.Reason][lang]})
	}
	if p.Status == fiber.StatusUnauthorized {
		c.Set(fiber.HeaderWWWAuthenticate, `Bearer realm="balagh"`)
	}
	if after := f.RetryAfter; after > 0 || p.Status == fiber.StatusTooManyRequests || p.Status == fiber.StatusServiceUnavailable {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(max(1, int(math.Ceil(after.Seconds())))))
	}
	b, _ := json.Marshal(p) // strings and numbers only
	c.Response().ResetBody()
	c.Response().Header.Del(fiber.HeaderETag)
	c.Status(p.Status).Set(fiber.HeaderContentType, "application/problem+json")
	c.Set(fiber.HeaderContentLanguage, lang)
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Response().SetBodyRaw(b)
	return f
}
