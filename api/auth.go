package api

import (
	"context"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/fault"
)

// RequestCode sends a one-time code.
func (s *Server) RequestCode(ctx context.Context, r gen.RequestCodeRequestObject) (gen.RequestCodeResponseObject, error) {
	ask := accounts.CodeRequest{Phone: r.Body.Phone, Language: languageOf(ctx), Address: clientAddress(ctx)}
	if r.Body.Language != nil {
		ask.Language = string(*r.Body.Language)
	}
	sent, err := s.Accounts.RequestCode(ctx, ask)
	if err != nil {
		return nil, err
	}
	return gen.RequestCode202JSONResponse{ExpiresIn: int(sent.ExpiresIn.Seconds()), ResendAfter: int(sent.ResendAfter.Seconds())}, nil
}

// CreateToken signs in, or goes on with a session.
func (s *Server) CreateToken(ctx context.Context, r gen.CreateTokenRequestObject) (gen.CreateTokenResponseObject, error) {
	g, err := s.grant(ctx, r.Body)
	if err != nil {
		return nil, err
	}
	account := gen.Account{Id: g.Account, Kind: gen.AccountKind(g.Kind)}
	if g.Kind == actor.Citizen {
		account.New = &g.New
	}
	return gen.CreateToken200JSONResponse{AccessToken: g.AccessToken, TokenType: gen.TokensTokenTypeBearer, ExpiresIn: int(g.ExpiresIn.Seconds()),
		RefreshToken: g.RefreshToken, Account: account}, nil
}

func (s *Server) grant(ctx context.Context, b *gen.TokenRequest) (*accounts.Grant, error) {
	device := text(b.DeviceId)
	switch b.GrantType {
	case gen.TokenRequestGrantTypeOtp:
		return s.Accounts.SignInWithCode(ctx, accounts.CodeSignIn{Phone: text(b.Phone), Code: text(b.Code), Device: device,
			Language: languageOf(ctx)})
	case gen.TokenRequestGrantTypePassword:
		return s.Accounts.SignInWithPassword(ctx, accounts.PasswordSignIn{Email: text(b.Email), Password: text(b.Password), TOTP: text(b.Totp),
			Address: clientAddress(ctx)})
	case gen.TokenRequestGrantTypeRefreshToken:
		return s.Accounts.Refresh(ctx, text(b.RefreshToken), device)
	default:
		return nil, fault.At("grant_type", fault.Unknown)
	}
}

// Logout ends the session, or all of them.
func (s *Server) Logout(ctx context.Context, r gen.LogoutRequestObject) (gen.LogoutResponseObject, error) {
	all, device := false, ""
	if r.Body != nil {
		all, device = r.Body.All != nil && *r.Body.All, text(r.Body.DeviceId)
	}
	if err := s.Accounts.Logout(ctx, actorOf(ctx), all, device); err != nil {
		return nil, err
	}
	return gen.Logout204Response{}, nil
}

// text is the string that an optional field holds; "" when it is not there.
func text[T ~string](p *T) string {
	if p == nil {
		return ""
	}
	return string(*p)
}

// orNil is nil for an empty string: the field is left out.
func orNil[T ~string](s T) *T {
	if s == "" {
		return nil
	}
	return &s
}
