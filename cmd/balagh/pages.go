package main

import (
	"github.com/gofiber/fiber/v2"

	"github.com/balagh/balagh/web"
	"github.com/balagh/balagh/web/admin"
	"github.com/balagh/balagh/web/desk"
	"github.com/balagh/balagh/web/manage"
	"github.com/balagh/balagh/web/page"
)

// pages is the application: the API, and the pages, which call it.
func (p *parts) pages(s *settings) (*fiber.App, error) {
	site := &page.Site{Log: p.log, Now: p.server.Now, Zone: p.server.Reports.Zone, Insecure: s.Dev, Tiles: s.MapTiles, Pictures: p.pictures}
	p.server.Session = site.Session
	app, err := p.server.App()
	if err != nil {
		return nil, err
	}
	web.Survey{Programmes: p.server.Programmes, Log: p.log}.Mount(app)
	site.Mount(app)
	desk.Mount(site, app)
	admin.Mount(site, app)
	manage.Mount(site, app)
	site.API = app.Handler()
	return app, nil
}
