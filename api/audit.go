package api

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gofiber/fiber/v2"

	"github.com/balagh/balagh/audit"
	"github.com/balagh/balagh/fault"
)

// adminDepth is how many parts /v1/admin has, with the empty one before the first slash.
const adminDepth = 3

// completeTime is how long the end of an entry may take to write, whatever became of the request.
const completeTime = 5 * time.Second

// auditBy reads how the changes of an operation are written down: what is under /v1/admin is, unless x-audit says none. The resource of an
// operation is the nearest path that can be read and leads to what is changed.
func (op *operation) auditBy(doc *openapi3.T, path string, o *openapi3.Operation) {
	said, _ := o.Extensions["x-audit"].(string)
	reads := op.method == fiber.MethodGet || op.method == fiber.MethodHead
	op.bare = said == "bare"
	op.audited = !reads && said != "none" && (op.bare || strings.HasPrefix(path, "/v1/admin/"))
	if !op.audited || op.bare || o.Responses.Value("201") != nil { // what is made has nothing before it
		return
	}
	parts := strings.Split(path, "/")
	if op.method == fiber.MethodPost { // it does something with what its path begins with
		parts = parts[:len(parts)-1]
	}
	for ; len(parts) > adminDepth; parts = parts[:len(parts)-1] {
		at := strings.Join(parts, "/")
		if item := doc.Paths.Value(at); item != nil && givesJSON(item.Get) && (at == path || strings.HasSuffix(at, "}")) {
			op.resource = len(parts)
			return
		}
	}
}

func givesJSON(o *openapi3.Operation) bool {
	if o == nil {
		return false
	}
	ok := o.Responses.Value("200")
	return ok != nil && ok.Value.Content[jsonCT] != nil
}

// resourceOf is the path of what the operation changes, "" when there is none.
func (op *operation) resourceOf(path string) string {
	parts := strings.Split(path, "/")
	if op.resource == 0 || len(parts) < op.resource {
		return ""
	}
	return strings.Join(parts[:op.resource], "/")
}

// proceed calls the handler of an operation, with an entry of the audit around it where it changes something.
func (s *Server) proceed(c *fiber.Ctx, op *operation) error {
	if !op.audited || c.Query("dry_run") == "true" {
		return c.Next()
	}
	return s.audited(c, op)
}

// audited writes the entry before the change and completes it afterwards. One change after the other is made of what can be read before:
// what is written down as before is what the change was made to. Of other processes If-Match makes sure, also where the caller sent none.
func (s *Server) audited(c *fiber.Ctx, op *operation) error {
	ctx, r := c.UserContext(), of(c.UserContext())
	entry := audit.Entry{Staff: r.actor.ID, Operation: op.id, Path: c.Path(), Request: r.id}
	if r.inside != nil {
		entry.Reverts = r.inside.reverts
	}
	resource := op.resourceOf(c.Path())
	if !op.bare {
		entry.Fields = fieldsOf(c.Body())
	}
	if resource != "" {
		select {
		case s.changing <- struct{}{}:
			defer func() { <-s.changing }()
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := s.Reports.Refresh(ctx); err != nil { // another process may have changed it a moment ago
			return err
		}
		before, tag, err := s.present(ctx, resource)
		if err != nil {
			return err
		}
		entry.Before = before
		if tag != "" && op.takes(fiber.HeaderIfMatch) && (c.Get(fiber.HeaderIfMatch) == "" || c.Get(fiber.HeaderIfMatch) == "*") {
			c.Request().Header.Set(fiber.HeaderIfMatch, tag)
		}
	}
	begun, err := s.Audit.Begin(ctx, entry)
	if err != nil {
		return err
	}
	if r.inside != nil {
		r.inside.entry = begun.ID
	}
	end := audit.End{Outcome: audit.Failed, Status: fiber.StatusInternalServerError, Code: string(fault.Internal)} // of a panic
	defer func() {
		patient, cancel := context.WithTimeout(context.WithoutCancel(ctx), completeTime)
		defer cancel()
		if err := s.Audit.Complete(patient, begun, end); err != nil {
			s.Log.Error("the audit", "request", r.id, "error", err) // what was done is done, and the entry says that it was begun
		}
	}()
	err = c.Next()
	end = s.ended(c, op, resource, err)
	return err
}

// ended is how the change of a request ended.
func (s *Server) ended(c *fiber.Ctx, op *operation, resource string, err error) audit.End {
	if err != nil {
		f := asFault(err)
		end := audit.End{Outcome: audit.Refused, Status: statuses[f.Code], Code: string(f.Code)}
		if end.Status >= fiber.StatusInternalServerError {
			end.Outcome = audit.Failed
		}
		return end
	}
	ctx, res := c.UserContext(), c.Response()
	end := audit.End{Outcome: audit.Done, Status: res.StatusCode(), Tag: string(res.Header.Peek(fiber.HeaderETag))}
	if op.bare {
		return end
	}
	if resource != "" { // as it was read before; unless somebody else has changed it already
		if after, tag, err := s.present(ctx, resource); err == nil && (end.Tag == "" || tag == end.Tag) {
			end.After = after
			return end
		}
	}
	if bytes.HasPrefix(res.Header.ContentType(), []byte(jsonCT)) && json.Valid(res.Body()) {
		end.After = bytes.Clone(res.Body())
	}
	return end
}

// present reads what is at a path: nil for nothing, and its ETag.
func (s *Server) present(ctx context.Context, path string) (body []byte, tag string, err error) {
	in := &inside{method: fiber.MethodGet, uri: path}
	err = s.ask(ctx, in)
	if fault.CodeOf(err) == fault.NotFound {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	return bytes.Clone(in.answer.Body()), string(in.answer.Header.Peek(fiber.HeaderETag)), nil
}

// fieldsOf are the names on the first level of a body, in order.
func fieldsOf(body []byte) []string {
	var b map[string]json.RawMessage
	if json.Unmarshal(body, &b) != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(b))
}

func (op *operation) takes(header string) bool {
	return slices.ContainsFunc(op.params, func(p parameter) bool { return p.in == openapi3.ParameterInHeader && strings.EqualFold(p.name, header) })
}
