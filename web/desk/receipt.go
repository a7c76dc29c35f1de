package desk

import (
	"slices"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/web/page"
)

// receipt is what somebody who reported gets in hand, or is told at the end of a call.
type receipt struct {
	Report    gen.DeskReport
	Told      *gen.ReportMessage // the acknowledgement; nil when it did not go out yet, or to nobody
	Waits     bool               // something may still become of it
	Dead      bool               // nobody took it
	Both      [2]string          // the day of receipt in both calendars
	Until     string
	Took      string // "" when it is not known
	Slow      bool
	Elsewhere bool // it belongs to another centre, whose reports are not seen here
}

func showReceipt(v *page.Visit) error {
	p := &receipt{}
	path := on(v, "")
	if err := v.Get(path, nil, &p.Report); err != nil {
		return err
	}
	var told gen.ReportDeliveries
	if err := v.Get(path+"/deliveries", nil, &told); err != nil {
		return err
	}
	for i, m := range told.Items {
		if m.Kind == gen.MessageKindReceived {
			p.Told = &told.Items[i]
		}
	}
	p.Waits = p.Told == nil && p.Report.Citizen != nil && p.Report.Citizen.Phone != nil
	if p.Told != nil {
		p.Waits = slices.ContainsFunc(p.Told.Deliveries, func(d gen.Delivery) bool {
			return d.State == gen.DeliveryStateQueued || d.State == gen.DeliveryStateLeased
		})
		p.Dead = !p.Waits && slices.ContainsFunc(p.Told.Deliveries, dead)
	}
	return giveReceipt(v, p)
}

func giveReceipt(v *page.Visit, p *receipt) error {
	f := v.Format
	for i, hijri := range []bool{true, false} {
		f.Hijri = hijri
		p.Both[i] = f.Day(p.Report.ReceivedAt)
	}
	p.Until = v.Day(until(p.Report.Due.ResolutionAt))
	if s := p.Report.RegistrationSeconds; s != nil {
		p.Took, p.Slow = v.In(clock(*s)), *s > int(target.Seconds())
	}
	return v.Show(templates["receipt"], "desk-receipt", v.T("desk_receipt"), p)
}
