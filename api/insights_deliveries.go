package api

import (
	"context"
	"time"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/push"
)

// Deliveries tells what became of what was sent.
func (s *Server) Deliveries(ctx context.Context, r gen.DeliveriesRequestObject) (gen.DeliveriesResponseObject, error) {
	body, err := s.deliveries(ctx, r.Params)
	if err != nil {
		return nil, err
	}
	return gen.Deliveries200JSONResponse(*body), nil
}

// DeliveriesCsv has the counts as a file.
func (s *Server) DeliveriesCsv(ctx context.Context, r gen.DeliveriesCsvRequestObject) (gen.DeliveriesCsvResponseObject, error) {
	body, err := s.deliveries(ctx, gen.DeliveriesParams(r.Params))
	if err != nil {
		return nil, err
	}
	b, err := deliveriesTable(body).csv()
	if err != nil {
		return nil, err
	}
	return csvFile{"deliveries.csv", b}, nil
}

// DeliveriesXlsx is the same as a workbook.
func (s *Server) DeliveriesXlsx(ctx context.Context, r gen.DeliveriesXlsxRequestObject) (gen.DeliveriesXlsxResponseObject, error) {
	body, err := s.deliveries(ctx, gen.DeliveriesParams(r.Params))
	if err != nil {
		return nil, err
	}
	t := deliveriesTable(body)
	t.header[0] = "sent_by" // not the channel of reports, whose word it would get
	b, err := figuresWorkbook(languageOf(ctx), "deliveries", t)
	return download{name: "deliveries.xlsx", media: xlsxCT, body: b}, err
}

func (s *Server) deliveries(ctx context.Context, p gen.DeliveriesParams) (*gen.DeliveryInsights, error) {
	days, err := periodOf(p.From, p.To, s.Now(), s.Push.Zone)
	if err != nil {
		return nil, err
	}
	f, err := s.Push.DeliveryFigures(ctx, actorOf(ctx), push.DeliveryQuery{From: days.first, Through: days.last, Centre: text(p.Centre),
		Channel: text(p.Channel)})
	if err != nil {
		return nil, err
	}
	body := &gen.DeliveryInsights{From: f.From, To: f.Through, Rows: make([]gen.DeliveryRow, len(f.Rows)), Delays: make([]gen.DeliveryDelay, len(f.Delays)),
		Unreached: f.Unreached, Spent: float64(f.Spent) / 1e6}
	for i, r := range f.Rows {
		body.Rows[i] = gen.DeliveryRow{Channel: gen.DeliveryChannel(r.Channel), Outcome: gen.DeliveryOutcome(r.Outcome), Reason: orNil(r.Reason), Count: r.N,
			Share: r.Share}
	}
	for i, d := range f.Delays {
		body.Delays[i] = gen.DeliveryDelay{Channel: gen.DeliveryChannel(d.Channel), Outcome: gen.DeliveryOutcome(d.Outcome), Count: d.N,
			P50Ms: msOrNil(d.P50), P90Ms: msOrNil(d.P90), P99Ms: msOrNil(d.P99)}
	}
	return body, nil
}

// msOrNil is nil for a delay above all classes.
func msOrNil(d time.Duration) *int64 {
	if d == 0 {
		return nil
	}
	return new(d.Milliseconds())
}

// deliveriesTable has a line for each row. What was accepted or delivered has its delays beside it.
func deliveriesTable(d *gen.DeliveryInsights) table {
	type key struct {
		channel gen.DeliveryChannel
		outcome gen.DeliveryOutcome
	}
	delays := map[key]gen.DeliveryDelay{}
	for _, x := range d.Delays {
		delays[key{x.Channel, x.Outcome}] = x
	}
	t := table{header: []string{"channel", "outcome", "reason", "count", "share", "p50_ms", "p90_ms", "p99_ms", "from", "to"}}
	for _, r := range d.Rows {
		x := delays[key{r.Channel, r.Outcome}]
		t.rows = append(t.rows, []any{string(r.Channel), string(r.Outcome), given(r.Reason), r.Count, r.Share, x.P50Ms, x.P90Ms, x.P99Ms, d.From, d.To})
	}
	return t
}
