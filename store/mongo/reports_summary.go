package mongo

import (
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/balagh/balagh/reports"
)

// summaryOf is what a list reads of a report.
var summaryOf = bson.D{{Key: "seq", Value: 1}, {Key: "supports", Value: 1}, {Key: "doc.id", Value: 1}, {Key: "doc.number", Value: 1}, {Key: "doc.rev", Value: 1},
	{Key: "doc.status", Value: 1}, {Key: "doc.category", Value: 1}, {Key: "doc.description", Value: 1}, {Key: "doc.place", Value: 1},
	{Key: "doc.photos.id", Value: 1}, {Key: "doc.received_at", Value: 1}, {Key: "doc.updated_at", Value: 1}, {Key: "doc.centre", Value: 1},
	{Key: "doc.department", Value: 1}, {Key: "doc.channel", Value: 1}, {Key: "doc.assignee", Value: 1}, {Key: "doc.due", Value: 1},
	{Key: "doc.first_answer_at", Value: 1}}

// listed is a report with its place in the order of receipt.
type listed struct {
	seq int64
	reports.Summary
}

// listedOf reads it without the way over JSON, which would take most of the time of a list. What does not look as encode writes it goes
// that way all the same.
func listedOf(raw bson.Raw) (listed, error) {
	seq, _ := raw.Lookup("seq").AsInt64OK()
	var r reports.Report
	h := hand{}
	doc, ok := raw.Lookup("doc").DocumentOK()
	if !ok || !h.report(doc, &r) {
		slow, err := reportKind.of(raw)
		if err != nil {
			return listed{}, err
		}
		return listed{seq, slow.Summary()}, nil
	}
	r.Supports = supports(raw)
	return listed{seq, r.Summary()}, nil
}

// hand reads values of a document and remembers when one was not of the type that it was taken for.
type hand struct{ odd bool }

func (h *hand) report(doc bson.Raw, r *reports.Report) bool {
	h.each(doc, func(name string, v bson.RawValue) {
		switch name {
		case "id":
			r.ID = h.text(v)
		case "number":
			r.Number = h.text(v)
		case "rev":
			n, ok := v.Int64OK()
			r.Rev, h.odd = n, h.odd || !ok
		case "status":
			r.Status = reports.Status(h.text(v))
		case "category":
			r.Category = h.text(v)
		case "description":
			r.Description = h.text(v)
		case "centre":
			r.Centre = h.text(v)
		case "department":
			r.Department = h.text(v)
		case "channel":
			r.Channel = reports.Channel(h.text(v))
		case "assignee":
			r.Assignee = h.text(v)
		case "received_at":
			r.ReceivedAt = h.time(v)
		case "updated_at":
			r.UpdatedAt = h.time(v)
		case "first_answer_at":
			r.FirstAnswer = h.time(v)
		case "place":
			r.Place = h.place(v)
		case "due":
			h.each(h.document(v), func(name string, v bson.RawValue) {
				switch name {
				case "first_answer_at":
					r.Due.FirstAnswer = h.time(v)
				case "resolution_at":
					r.Due.Resolution = h.time(v)
				}
			})
		case "photos": // only their number is asked for
			list, ok := v.ArrayOK()
			h.odd = h.odd || !ok
			h.each(bson.Raw(list), func(string, bson.RawValue) { r.Photos = append(r.Photos, reports.PhotoRef{}) })
		}
	})
	return !h.odd
}

func (h *hand) place(v bson.RawValue) *reports.Place {
	p := &reports.Place{}
	h.each(h.document(v), func(name string, v bson.RawValue) {
		switch name {
		case "latitude":
			p.Latitude = h.number(v)
		case "longitude":
			p.Longitude = h.number(v)
		case "accuracy_m":
			p.Accuracy = h.number(v)
		case "address":
			p.Address = h.text(v)
		case "source":
			p.Source = h.text(v)
		}
	})
	return p
}

func (h *hand) each(doc bson.Raw, visit func(string, bson.RawValue)) {
	elements, err := doc.Elements()
	h.odd = h.odd || err != nil
	for _, e := range elements {
		visit(e.Key(), e.Value())
	}
}

func (h *hand) document(v bson.RawValue) bson.Raw {
	d, ok := v.DocumentOK()
	h.odd = h.odd || !ok
	return d
}

func (h *hand) text(v bson.RawValue) string {
	s, ok := v.StringValueOK()
	h.odd = h.odd || !ok
	return s
}

func (h *hand) number(v bson.RawValue) float64 {
	f, ok := v.AsFloat64OK()
	h.odd = h.odd || !ok
	return f
}

func (h *hand) time(v bson.RawValue) time.Time {
	t, err := time.Parse(time.RFC3339Nano, h.text(v))
	h.odd = h.odd || err != nil
	return t
}
