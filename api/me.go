package api

import (
	"context"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/fault"
)

// GetMe reads the caller's account.
func (s *Server) GetMe(ctx context.Context, _ gen.GetMeRequestObject) (gen.GetMeResponseObject, error) {
	c, err := s.Accounts.Me(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	return gen.GetMe200JSONResponse{Body: meBody(c), Headers: gen.GetMe200ResponseHeaders{ETag: revisionTag(c.Rev)}}, nil
}

// UpdateMe changes what the caller's account says.
func (s *Server) UpdateMe(ctx context.Context, r gen.UpdateMeRequestObject) (gen.UpdateMeResponseObject, error) {
	rev, err := revisionOf(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	c, err := s.Accounts.UpdateMe(ctx, actorOf(ctx), rev, accounts.CitizenPatch{Name: r.Body.Name, Email: r.Body.Email,
		Language: (*string)(r.Body.Language), Gender: r.Body.Gender, Residency: r.Body.Residency})
	if err != nil {
		return nil, err
	}
	return gen.UpdateMe200JSONResponse{Body: meBody(c), Headers: gen.UpdateMe200ResponseHeaders{ETag: revisionTag(c.Rev)}}, nil
}

func meBody(c *accounts.Citizen) gen.Me {
	return gen.Me{Id: c.ID, Phone: c.Phone, Name: orNil(c.Name), Email: orNil(c.Email), Language: gen.Language(c.Language),
		Gender: orNil(gen.Gender(c.Gender)), Residency: orNil(gen.Residency(c.Residency)), CreatedAt: c.Created}
}

// ListDevices lists the caller's phones.
func (s *Server) ListDevices(ctx context.Context, _ gen.ListDevicesRequestObject) (gen.ListDevicesResponseObject, error) {
	ds, err := s.Accounts.Devices(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	items := make([]gen.Device, 0, len(ds))
	for _, d := range ds {
		items = append(items, deviceBody(d))
	}
	return gen.ListDevices200JSONResponse{Items: items}, nil
}

// PutDevice registers one of the caller's phones.
func (s *Server) PutDevice(ctx context.Context, r gen.PutDeviceRequestObject) (gen.PutDeviceResponseObject, error) {
	n := accounts.Device{ID: r.DeviceId, Platform: string(r.Body.Platform), PushToken: text(r.Body.PushToken), Language: text(r.Body.Language),
		AppVersion: text(r.Body.AppVersion), Model: text(r.Body.Model)}
	if w := r.Body.WebPush; w != nil {
		if err := s.checkWebPush(r.Body); err != nil {
			return nil, err
		}
		n.PushToken, n.WebPush = w.Endpoint, &accounts.WebPush{P256dh: w.P256dh, Auth: w.Auth}
	}
	d, err := s.Accounts.PutDevice(ctx, actorOf(ctx), n)
	if err != nil {
		return nil, err
	}
	return gen.PutDevice200JSONResponse(deviceBody(d)), nil
}

// checkWebPush refuses a subscription that does not go with the rest, or leads where nothing is sent.
func (s *Server) checkWebPush(d *gen.NewDevice) error {
	switch {
	case s.CheckEndpoint == nil:
		return fault.At("web_push", fault.NotAllowed)
	case d.PushToken != nil:
		return fault.At("web_push", fault.Contradicted)
	case d.Platform != gen.PlatformWeb:
		return fault.At("platform", fault.Contradicted)
	}
	return s.CheckEndpoint(d.WebPush.Endpoint)
}

// DeleteDevice removes one of the caller's phones.
func (s *Server) DeleteDevice(ctx context.Context, r gen.DeleteDeviceRequestObject) (gen.DeleteDeviceResponseObject, error) {
	if err := s.Accounts.DeleteDevice(ctx, actorOf(ctx), r.DeviceId); err != nil {
		return nil, err
	}
	return gen.DeleteDevice204Response{}, nil
}

func deviceBody(d *accounts.Device) gen.Device {
	body := gen.Device{Id: d.ID, Platform: gen.Platform(d.Platform), PushToken: orNil(d.PushToken), Language: orNil(gen.Language(d.Language)),
		AppVersion: orNil(d.AppVersion), Model: orNil(d.Model), SeenAt: d.Seen}
	if d.WebPush != nil && d.PushToken != "" { // without an end point the subscription is over
		body.PushToken, body.WebPush = nil, &gen.WebPush{Endpoint: d.PushToken, P256dh: d.WebPush.P256dh, Auth: d.WebPush.Auth}
	}
	return body
}

// GetPreferences reads how the caller wants to be told.
func (s *Server) GetPreferences(ctx context.Context, _ gen.GetPreferencesRequestObject) (gen.GetPreferencesResponseObject, error) {
	c, err := s.Accounts.Me(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	return gen.GetPreferences200JSONResponse(preferencesBody(c.Preferences)), nil
}

// PutPreferences replaces how the caller wants to be told.
func (s *Server) PutPreferences(ctx context.Context, r gen.PutPreferencesRequestObject) (gen.PutPreferencesResponseObject, error) {
	c, err := s.Accounts.PutPreferences(ctx, actorOf(ctx), accounts.Preferences{Push: r.Body.Push, SMS: r.Body.Sms, Email: r.Body.Email,
		QuietFrom: text(r.Body.QuietFrom), QuietTo: text(r.Body.QuietTo), TimeZone: text(r.Body.TimeZone)})
	if err != nil {
		return nil, err
	}
	return gen.PutPreferences200JSONResponse(preferencesBody(c.Preferences)), nil
}

func preferencesBody(p accounts.Preferences) gen.Preferences {
	return gen.Preferences{Push: p.Push, Sms: p.SMS, Email: p.Email, QuietFrom: orNil(p.QuietFrom), QuietTo: orNil(p.QuietTo),
		TimeZone: orNil(p.TimeZone)}
}
