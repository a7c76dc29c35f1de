package accounts

import (
	"context"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

// TakeLookup counts a look for a caller by one member of staff, whatever it finds: nobody goes through all numbers.
func (s *Service) TakeLookup(ctx context.Context, a actor.Actor) error {
	if !a.Is(actor.Clerk, actor.Officer, actor.Supervisor) {
		return fault.New(fault.Forbidden)
	}
	return s.take(ctx, Quota{s.masked("look-ups", a.ID), s.Limits.Lookup})
}

// Caller is the account of somebody whom staff talk with: fault.NotFound when there is none any more.
func (s *Service) Caller(ctx context.Context, a actor.Actor, id string) (*Citizen, error) {
	if !a.Is(actor.Clerk, actor.Officer, actor.Supervisor) {
		return nil, fault.New(fault.Forbidden)
	}
	return s.store.Citizen(ctx, id)
}

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
