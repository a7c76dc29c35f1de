package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/audit"
	"github.com/balagh/balagh/openapi"
	"github.com/balagh/balagh/photos"
	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/reports"
	"github.com/balagh/balagh/surveys"
)

// Server answers the operations of the contract; each resource has a file with its methods. The exported fields are set
// once, before App is called.
type Server struct {
	Accounts   *accounts.Service
	Reports    *reports.Service
	Photos     *photos.Service
	Push       *push.Service
	Surveys    *surveys.Service
	Programmes *surveys.Programmes
	Answers    Answers
	Audit      *audit.Service
	Feed       *reports.Feed

	// Together lets what a request writes beside its main write go with that one; nil where a store cannot.
	Together func(context.Context) context.Context

	Now            func() time.Time
	Log            *slog.Logger
	Metrics        *Metrics
	Ready          []Check          // what /readyz looks at
	TrustedProxies []netip.Prefix   // whose X-Forwarded-For is believed
	Heartbeat      time.Duration    // of streams of events; 15 s when 0
	MinAppVersion  string           // older applications get 426; "" takes all
	AnonymousLimit accounts.Limit   // of reports without an account from one address
	Outbox         func() []DevText // what /dev/outbox shows; nil outside development

	// PhotoLinks is how long an address of a picture is good that leads to the bucket. 0: pictures are streamed.
	PhotoLinks time.Duration

	WebPushKey    string                      // public key of Web Push, base64url; "" where it is off
	CheckEndpoint func(endpoint string) error // refuses end points of browsers; nil where Web Push is off
	// AppCheck is nil for a token of a genuine app, fault.Unauthenticated for any other and for none. Nil demands no token.
	AppCheck func(ctx context.Context, token string) error
	// SMSReceipt reads a call of the SMS gateway, fault.Unauthenticated when it is not signed as it should. Nil where no gateway calls.
	SMSReceipt func(header func(string) string, body []byte) (push.Receipt, error)

	// Session lets a browser's session stand for a token, before any route; nil where there are no pages.
	Session fiber.Handler

	idempotency *idempotency
	rendered    rendered
	published   renderedRounds
	streams     streams
	operations  map[string]*operation
	app         *fiber.App
	changing    chan struct{} // holds one: a change of what can be read before it
}

var _ gen.StrictServerInterface = (*Server)(nil)

// App builds the HTTP application. It fails when the contract does not say who may call an operation.
func (s *Server) App() (*fiber.App, error) {
	doc, err := openapi.Load()
	if err != nil {
		return nil, fmt.Errorf("the contract: %w", err)
	}
	ops, err := operations(doc)
	if err != nil {
		return nil, fmt.Errorf("the contract: %w", err)
	}
	s.idempotency = &idempotency{answers: s.Answers, now: s.Now, flight: map[string]bool{}}
	app := fiber.New(fiber.Config{
		AppName:                      "balagh",
		DisableStartupMessage:        true,
		Immutable:                    true, // a string of a request outlives it
		StreamRequestBody:            true,
		DisablePreParseMultipartForm: true,
		BodyLimit:                    bodyLimit,
		ReadBufferSize:               16 << 10, // of all headers
		ReadTimeout:                  uploadTime,
		WriteTimeout:                 uploadTime,
		IdleTimeout:                  2 * time.Minute,
		ErrorHandler:                 func(c *fiber.Ctx, err error) error { s.failed(c, err); return nil },
	})
	s.app, s.changing = app, make(chan struct{}, 1)
	app.Use(s.observe)
	if s.Session != nil {
		app.Use(s.Session)
	}
	s.operate(app, doc)
	s.operations = map[string]*operation{}
	for _, op := range ops {
		s.operations[op.id] = op
		guard := s.guard(op)
		app.Add(op.method, op.path, guard)
		if op.method == fiber.MethodGet { // what Fiber's Get registers answers HEAD as well
			app.Head(op.path, guard)
		}
	}
	app.Post("/v1/photos", s.UploadPhoto)
	app.Get("/v1/photos/:id/image", s.GetPhotoImage)
	app.Post("/v1/reports", s.FileReport)
	app.Post("/v1/reports/:id/photos", s.AddReportPhoto)
	app.Post("/v1/callbacks/sms", s.ReceiveSMS)
	app.Get("/v1/desk/events", s.DeskEvents)
	gen.RegisterHandlers(app, gen.NewStrictHandler(s, nil))
	return app, nil
}

// Sweep removes kept answers that are over a week old.
func (s *Server) Sweep(ctx context.Context) error {
	return s.Answers.SweepAnswers(ctx, s.Now().Add(-answersKept))
}
