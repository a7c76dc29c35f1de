package api

import (
	"context"
	"fmt"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/api/gen"
)

// ListKeys says when which signing key is in use.
func (s *Server) ListKeys(ctx context.Context, _ gen.ListKeysRequestObject) (gen.ListKeysResponseObject, error) {
	terms, err := s.Accounts.KeyTerms(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	items := make([]gen.SigningKey, len(terms))
	for i, k := range terms {
		items[i] = keyBody(k)
	}
	return gen.ListKeys200JSONResponse{Items: items}, nil
}

// RotateKeys makes a new one, which signs when everybody who checks tokens has seen it.
func (s *Server) RotateKeys(ctx context.Context, _ gen.RotateKeysRequestObject) (gen.RotateKeysResponseObject, error) {
	id, err := s.Accounts.RotateKey(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	terms, err := s.Accounts.KeyTerms(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	for _, k := range terms {
		if k.ID == id {
			return gen.RotateKeys201JSONResponse(keyBody(k)), nil
		}
	}
	return nil, fmt.Errorf("the signing key %s is not there", id)
}

func keyBody(k accounts.KeyTerm) gen.SigningKey {
	return gen.SigningKey{Id: k.ID, CreatedAt: timeOrNil(k.Created), SignsFrom: k.From, SignsUntil: timeOrNil(k.Until)}
}
