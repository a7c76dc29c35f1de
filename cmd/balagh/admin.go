package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/actor"
)

type adminCommand struct {
	CreateStaff createStaff `cmd:"" help:"Make an account for a member of staff; the first administrator is made this way."`
	RotateKeys  rotateKeys  `cmd:"" help:"Publish a new signing key. It signs after ten minutes; tokens of the old one stay good until they expire."`
}

// offline are the options of commands that work on the store without a server, also beside a running one.
type offline struct{ storage }

// accounts opens the store for one piece of work.
func (o *offline) accounts(ctx context.Context, do func(*accounts.Service) error) error {
	secret, err := o.secret()
	if err != nil {
		return err
	}
	db, _, err := o.openStore(ctx, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	s, err := accounts.New(ctx, accounts.Config{Secret: secret}, db, nil)
	if err != nil {
		return err
	}
	return do(s)
}

type createStaff struct {
	offline
	Email       string   `required:"" help:"E-mail, with which they sign in."`
	Name        string   `required:"" help:"Name as colleagues know it."`
	Role        string   `required:"" enum:"clerk,officer,supervisor,manager,admin" help:"clerk, officer, supervisor, manager or admin."`
	Centres     []string `default:"*" help:"Codes of the centres that they work for; * for all."`
	Departments []string `default:"*" help:"Codes of the departments; * for all."`
	Language    string   `default:"ar" enum:"ar,en,ur" help:"ar, en or ur."`
	Password    string   `secret:"" placeholder:"TEXT" help:"First password, at least 12 characters. Without it one is made and printed."`
}

// Run makes the account.
func (c *createStaff) Run(ctx context.Context, std stdio) error {
	made := c.Password == ""
	if made {
		b := make([]byte, 18)
		if _, err := rand.Read(b); err != nil {
			return err
		}
		c.Password = base64.RawURLEncoding.EncodeToString(b)
	}
	return c.accounts(ctx, func(s *accounts.Service) error {
		x, err := s.CreateStaff(ctx, actor.Actor{Kind: actor.System}, accounts.NewStaff{Email: c.Email, Name: c.Name, Password: c.Password,
			Role: actor.Role(c.Role), Centres: c.Centres, Departments: c.Departments, Language: c.Language})
		if err != nil {
			return err
		}
		fmt.Fprintf(std.out, "%s is %s now (%s)\n", x.Email, x.Role, x.ID)
		if made {
			fmt.Fprintf(std.out, "first password: %s\n", c.Password)
		}
		return nil
	})
}

type rotateKeys struct{ offline }

// Run rotates.
func (c *rotateKeys) Run(ctx context.Context, std stdio) error {
	return c.accounts(ctx, func(s *accounts.Service) error {
		key, err := s.RotateKey(ctx, actor.Actor{Kind: actor.System})
		if err == nil {
			fmt.Fprintf(std.out, "published signing key %s\n", key)
		}
		return err
	})
}
