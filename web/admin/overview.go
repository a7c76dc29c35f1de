package admin

import "github.com/balagh/balagh/web/page"

// homePage is where administrators begin.
type homePage struct{ Missing []missing }

// missing is something that is not set up yet, and where to do it.
type missing struct{ Word, Href string }

func overview(v *page.Visit) error {
	return show(v, "home", v.T("administration"), homePage{})
}
