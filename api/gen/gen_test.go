package gen

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
)

var errHandler = errors.New("what the handler said")

// refusing is a server whose getReport and addComment fail; the others must not be called.
type refusing struct{ StrictServerInterface }

func (refusing) GetReport(context.Context, GetReportRequestObject) (GetReportResponseObject, error) {
	return nil, errHandler
}

func (refusing) AddComment(context.Context, AddCommentRequestObject) (AddCommentResponseObject, error) {
	return nil, errHandler
}

// The program's one error handler can only map faults that reach it as they were returned.
func TestStrictServer_GivesErrorsToTheErrorHandler(t *testing.T) {
	t.Parallel()
	const path = "/v1/reports/01936f0e-6a53-7c3e-9d0e-5b1f4a2c7d10"
	tests := []struct {
		name, method, path, body string
		status                   int // of a *fiber.Error; 0 where the handler's own error is to arrive unchanged
	}{
		{"of the handler", http.MethodGet, path, "", 0},
		{"of the handler with a body", http.MethodPost, path + "/comments", `{"text":"x"}`, 0},
		{"of the body", http.MethodPost, path + "/comments", `{"text":`, http.StatusBadRequest},
		{"of a parameter", http.MethodGet, "/v1/reports/nearby?latitude=north&longitude=46.7", "", http.StatusBadRequest},
		{"of a parameter that is not there", http.MethodGet, "/v1/reports/nearby?latitude=24.7", "", http.StatusBadRequest},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got error
			app := fiber.New(fiber.Config{ErrorHandler: func(c *fiber.Ctx, err error) error {
				got = err
				return c.SendStatus(http.StatusTeapot)
			}})
			RegisterHandlers(app, NewStrictHandler(refusing{}, nil))
			req := httptest.NewRequest(test.method, test.path, strings.NewReader(test.body))
			req.Header.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
			res, err := app.Test(req)
			if err != nil {
				t.Fatal(err)
			}
			if err := res.Body.Close(); err != nil {
				t.Fatal(err)
			}
			if test.status == 0 {
				if got != errHandler { // the very error, not one that wraps it
					t.Errorf("got %v, want the handler's own error", got)
				}
				return
			}
			if refusal, ok := errors.AsType[*fiber.Error](got); !ok || refusal.Code != test.status {
				t.Errorf("got %v, want a fiber.Error of status %d", got, test.status)
			}
		})
	}
}
