package accounts

import (
	"context"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

// FindCitizen gives the id of the account of a number, for staff who talk with its owner; fault.NotFound when there is none. Nothing is
// made, as EnsureCitizen would.
func (s *Service) FindCitizen(ctx context.Context, a actor.Actor, phone string) (id string, err error) {
	if !a.Is(actor.Clerk, actor.Officer, actor.Supervisor) {
		return "", fault.New(fault.Forbidden)
	}
	phone, ok := ParsePhone(phone)
	if !ok {
		return "", fault.At("phone", fault.WrongFormat)
	}
	c, err := s.store.CitizenByPhone(ctx, phone)
	if err != nil {
		return "", err
	}
	return c.ID, nil
}
