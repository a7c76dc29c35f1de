package api

import (
	"context"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/photos"
	"github.com/balagh/balagh/reports"
)

// names puts the codes of a report into the caller's language.
type names struct {
	catalogue *reports.Catalogue
	language  string
}

func (s *Server) names(ctx context.Context) names {
	return names{s.Reports.Catalogue(), languageOf(ctx)}
}

// named is a code with its name; one that the catalogue no longer knows names itself.
func (n names) named(code string, names map[string]string) gen.Named {
	if name := names[n.language]; name != "" {
		return gen.Named{Code: code, Name: name}
	}
	return gen.Named{Code: code, Name: code}
}

func (n names) category(code string) gen.Named {
	c, _ := n.catalogue.Category(code)
	return n.named(code, c.Names)
}

func (n names) centre(code string) gen.Named {
	c, _ := n.catalogue.Centre(code)
	return n.named(code, c.Names)
}

func (n names) department(code string) gen.Named {
	d, _ := n.catalogue.Department(code)
	return n.named(code, d.Names)
}

func (n names) summary(r *reports.Summary) gen.ReportSummary {
	return gen.ReportSummary{Id: r.ID, Number: r.Number, Status: gen.Status(r.Status), Category: n.category(r.Category), Description: r.Description,
		Place: placeBody(r.Place), PhotoCount: r.PhotoCount, Supports: r.Supports, ReceivedAt: r.ReceivedAt, UpdatedAt: r.UpdatedAt}
}

func placeBody(p *reports.Place) *gen.Place {
	if p == nil {
		return nil
	}
	body := &gen.Place{Latitude: p.Latitude, Longitude: p.Longitude, Address: orNil(p.Address), Source: gen.PlaceSource(p.Source)}
	if p.Accuracy > 0 {
		body.AccuracyM = &p.Accuracy
	}
	return body
}

func dueBody(d reports.Due) gen.Due {
	return gen.Due{FirstAnswerAt: d.FirstAnswer, ResolutionAt: d.Resolution}
}

// entry is one of the timeline as the citizen sees it: staff appear as their department.
func (n names) entry(e reports.Entry) gen.TimelineEntry {
	body := gen.TimelineEntry{Id: e.ID, At: e.At, Kind: gen.TimelineEntryKind(e.Kind), From: orNil(gen.Status(e.From)), To: orNil(gen.Status(e.To)),
		By: gen.By{Kind: gen.ByKind(e.By.Kind)}, Text: orNil(e.Text), PhotoId: orNil(e.Photo)}
	if e.By.Kind == actor.Staff && e.By.Department != "" {
		body.By.Name = &[]string{n.department(e.By.Department).Name}[0]
	}
	if e.Centre != "" {
		body.Centre = &[]gen.Named{n.centre(e.Centre)}[0]
	}
	if e.Department != "" {
		body.Department = &[]gen.Named{n.department(e.Department)}[0]
	}
	return body
}

// report is r as its citizen sees it.
func (s *Server) report(ctx context.Context, r *reports.Report) (gen.Report, error) {
	a := actorOf(ctx)
	r = r.ForCitizen()
	pictures, err := s.pictures(ctx, r)
	if err != nil {
		return gen.Report{}, err
	}
	n := s.names(ctx)
	can := s.Reports.Can(a, r)
	if can.Rate {
		if can.Rate, err = s.Surveys.MayRate(ctx, a, r.ID); err != nil {
			return gen.Report{}, err
		}
	}
	body := gen.Report{Id: r.ID, Number: r.Number, Status: gen.Status(r.Status), Category: n.category(r.Category), Description: r.Description,
		Place: placeBody(r.Place), PhotoCount: len(r.Photos), Supports: r.Supports, ReceivedAt: r.ReceivedAt, UpdatedAt: r.UpdatedAt,
		Attributes: attributesBody(r.Attributes), Photos: pictures, Channel: gen.Channel(r.Channel), Centre: n.centre(r.Centre),
		Department: n.department(r.Department), Language: gen.Language(r.Language), Due: dueBody(r.Due), FirstAnswerAt: timeOrNil(r.FirstAnswer),
		ResolvedAt: timeOrNil(r.ResolvedAt), ClosedAt: timeOrNil(r.ClosedAt), Timeline: make([]gen.TimelineEntry, len(r.Timeline)), Can: canBody(can),
		ReopenUntil: timeOrNil(can.ReopenUntil), RateUntil: timeOrNil(can.RateUntil)}
	if r.DuplicateOf != nil {
		body.DuplicateOf = &r.DuplicateOf.Number
	}
	for i, e := range r.Timeline {
		body.Timeline[i] = n.entry(e)
	}
	return body, nil
}

// pictures are the photos of a report that the caller may see, in the order in which they came.
func (s *Server) pictures(ctx context.Context, r *reports.Report) ([]gen.Photo, error) {
	all := make([]gen.Photo, 0, len(r.Photos))
	if len(r.Photos) == 0 {
		return all, nil
	}
	ps, err := s.Photos.Of(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	known := make(map[string]*photos.Photo, len(ps))
	for _, p := range ps {
		known[p.ID] = p
	}
	for _, ref := range r.Photos {
		if p := known[ref.ID]; p != nil {
			all = append(all, photoBody(actorOf(ctx), p))
		}
	}
	return all, nil
}

func attributesBody(a map[string]any) gen.Attributes {
	if a == nil {
		return gen.Attributes{}
	}
	return a
}

func canBody(c reports.Can) gen.Can {
	return gen.Can{Comment: c.Comment, AddPhoto: c.AddPhoto, Withdraw: c.Withdraw, Reopen: c.Reopen, Rate: c.Rate, Support: c.Support}
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
