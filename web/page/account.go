package page

import (
	"net/http"

	"github.com/balagh/balagh/api/gen"
)

// accountPage is the account of who is signed in.
type accountPage struct {
	Wrong  *Problem
	Form   string // that what is wrong belongs to: password or totp
	Secret *gen.TotpSecret
	Done   string
}

func account(v *Visit) error {
	return v.Render("account", v.T("account"), accountPage{Done: v.Query("done")})
}

func (v *Visit) account(err error, p accountPage) error {
	if p.Wrong = Refused(err); p.Wrong == nil {
		return err
	}
	v.Status(p.Wrong.Status)
	return v.Render("account", v.T("account"), p)
}

func changePassword(v *Visit) error {
	if v.Form("new") != v.Form("again") {
		return v.account(&Problem{Status: http.StatusUnprocessableEntity, Title: v.T("passwords_differ"),
			Fields: []Field{{Path: "again", Message: v.T("passwords_differ")}}}, accountPage{Form: "password"})
	}
	err := v.Send(http.MethodPost, "/v1/desk/me/password", gen.PasswordChange{Current: v.form.Get("current"), New: v.form.Get("new")}, nil)
	if err != nil {
		return v.account(err, accountPage{Form: "password"})
	}
	return v.Redirect("/account?done=password_changed")
}

func enrolTOTP(v *Visit) error {
	var secret gen.TotpSecret
	if err := v.Send(http.MethodPost, "/v1/desk/me/totp", nil, &secret); err != nil {
		return v.account(err, accountPage{Form: "totp"})
	}
	return v.Render("account", v.T("account"), accountPage{Secret: &secret})
}

func confirmTOTP(v *Visit) error {
	secret := &gen.TotpSecret{Secret: v.Form("secret"), Uri: v.Form("uri")}
	if err := v.Send(http.MethodPost, "/v1/desk/me/totp/confirm", gen.TotpCode{Code: Digits(v.Form("totp"))}, nil); err != nil {
		return v.account(err, accountPage{Form: "totp", Secret: secret})
	}
	return v.Redirect("/account?done=totp_confirmed")
}
