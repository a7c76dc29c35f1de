package api

import (
	"context"
	"time"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
)

// ListPolicies lists how each kind of message goes out.
func (s *Server) ListPolicies(ctx context.Context, _ gen.ListPoliciesRequestObject) (gen.ListPoliciesResponseObject, error) {
	all, err := s.Push.Policies(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	items := make([]gen.Policy, len(all))
	for i, p := range all {
		if items[i], err = s.policyBody(ctx, p); err != nil {
			return nil, err
		}
	}
	return gen.ListPolicies200JSONResponse{Items: items}, nil
}

// GetPolicy reads one of them.
func (s *Server) GetPolicy(ctx context.Context, r gen.GetPolicyRequestObject) (gen.GetPolicyResponseObject, error) {
	all, err := s.Push.Policies(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if string(p.Kind) == string(r.Kind) {
			body, err := s.policyBody(ctx, p)
			return gen.GetPolicy200JSONResponse{Body: body, Headers: gen.GetPolicy200ResponseHeaders{ETag: revisionTag(p.Rev)}}, err
		}
	}
	return nil, fault.New(fault.NotFound)
}

// PutPolicy replaces one.
func (s *Server) PutPolicy(ctx context.Context, r gen.PutPolicyRequestObject) (gen.PutPolicyResponseObject, error) {
	rev, err := revisionOf(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	p := push.Policy{Kind: push.Kind(r.Kind), Urgent: r.Body.Urgent, Replaces: r.Body.Replaces, TTL: time.Duration(r.Body.TtlSeconds) * time.Second}
	for _, x := range r.Body.Steps {
		p.Steps = append(p.Steps, push.Step{Channel: string(x.Channel), Wait: time.Duration(x.WaitSeconds) * time.Second})
	}
	if p, err = s.Push.PutPolicy(ctx, actorOf(ctx), p, rev, value(r.Params.DryRun)); err != nil {
		return nil, err
	}
	body, err := s.policyBody(ctx, p)
	return gen.PutPolicy200JSONResponse{Body: body, Headers: gen.PutPolicy200ResponseHeaders{ETag: revisionTag(p.Rev)}}, err
}

func (s *Server) policyBody(ctx context.Context, p push.Policy) (gen.Policy, error) {
	by, err := s.assignee(ctx, p.By)
	body := gen.Policy{Kind: gen.MessageKind(p.Kind), Rev: p.Rev, Steps: make([]gen.ChainStep, len(p.Steps)), Urgent: p.Urgent, Replaces: p.Replaces,
		TtlSeconds: int64(p.TTL / time.Second), By: by, At: timeOrNil(p.At)}
	for i, x := range p.Steps {
		body.Steps[i] = gen.ChainStep{Channel: gen.StepChannel(x.Channel), WaitSeconds: int64(x.Wait / time.Second)}
	}
	return body, err
}
