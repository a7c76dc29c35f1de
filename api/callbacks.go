package api

import (
	"github.com/gofiber/fiber/v2"

	"github.com/balagh/balagh/fault"
)

// ReceiveSMS takes what a gateway says of a text. Its signature is all that it shows, so nothing is done before that is checked.
func (s *Server) ReceiveSMS(c *fiber.Ctx) error {
	if s.SMSReceipt == nil {
		return fault.New(fault.NotFound)
	}
	receipt, err := s.SMSReceipt(func(name string) string { return c.Get(name) }, c.Body())
	if err != nil {
		return err
	}
	if err := s.Push.Receive(c.UserContext(), receipt); err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusNoContent)
}
