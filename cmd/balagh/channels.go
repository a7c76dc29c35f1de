package main

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"os"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/api"
	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/push/email"
	"github.com/balagh/balagh/push/fcm"
	"github.com/balagh/balagh/push/sms"
	"github.com/balagh/balagh/push/webpush"
)

// channels are the settings of what reaches people. A channel without any of its settings is left out.
type channels struct {
	FcmProject     string `placeholder:"ID" help:"Firebase project that pushes go through. Without it there is no push."`
	FcmCredentials string `placeholder:"FILE" help:"Service account of the project, as JSON. Default: the ambient credentials."`
	FcmEndpoint    string `placeholder:"URL" help:"Another end point than Google's: a stand-in, in development only."`
	FcmWorkers     int    `default:"1024" help:"Pushes under way at once."`
	AppCheck       bool   `help:"Demand a token of Firebase App Check on sign-in and filing."`

	WebPushSubject string   `placeholder:"URL" help:"Whom push services of browsers may write to: mailto:… or https://…. Without it there is no Web Push."`
	WebPushKey     string   `secret:"" placeholder:"KEY" help:"Private VAPID key, base64url. Default: one derived from the secret."`
	WebPushHosts   []string `placeholder:"HOST,…" help:"Push services that are called. Default: those of the known browsers."`

	SmsProfile        string  `placeholder:"NAME|FILE" help:"HTTP gateway for text messages: unifonic, taqnyat, generic, or a JSON file that describes another."`
	SmsURL            string  `name:"sms-url" placeholder:"URL" help:"Address of the gateway; the profiles unifonic and taqnyat have their own."`
	SmsKey            string  `secret:"" placeholder:"TEXT" help:"Key of the gateway."`
	SmsSender         string  `placeholder:"NAME" help:"Name that texts come from, as it is registered with the gateway."`
	SmsBody           string  `placeholder:"JSON" help:"With the profile generic: what is posted, {to} and {text} in it."`
	SmsCallbackSecret string  `secret:"" placeholder:"TEXT" help:"Secret that signs the gateway's status call-backs to /v1/callbacks/sms. Without it none is believed."`
	SmsPrice          float64 `default:"0" help:"Price of one segment of a text message, in your currency."`
	SmsDailyLimit     float64 `default:"0" help:"What text messages may cost in a day; then only one-time codes go out. 0: no limit."`
	SmsDailyPerCentre float64 `default:"0" help:"Likewise for each centre."`
	SmppAddress       string  `placeholder:"HOST:PORT" help:"SMS centre to reach over SMPP 3.4 instead of an HTTP gateway."`
	SmppSystemID      string  `name:"smpp-system-id" placeholder:"ID" help:"User of the SMS centre."`
	SmppPassword      string  `secret:"" placeholder:"TEXT" help:"Password of the SMS centre."`
	SmppSystemType    string  `placeholder:"TEXT" help:"System type, where the SMS centre wants one."`
	SmppTLS           bool    `name:"smpp-tls" help:"Reach the SMS centre over TLS. Otherwise the link itself has to be private."`
	SmppWindow        int     `default:"10" help:"Submissions that may wait for their answer at once."`

	SmtpHost     string `placeholder:"HOST" help:"Mail server. Without it there is no e-mail."`
	SmtpPort     int    `placeholder:"PORT" help:"Default: 587, with --smtp-tls=implicit 465."`
	SmtpUsername string `placeholder:"NAME" help:"User of the mail server."`
	SmtpPassword string `secret:"" placeholder:"TEXT" help:"Password of the mail server."`
	SmtpFrom     string `placeholder:"ADDRESS" help:"Sender of mails, such as: Balagh <reports@example.sa>."`
	SmtpReplyTo  string `placeholder:"ADDRESS" help:"Where answers to mails go."`
	SmtpTLS      string `name:"smtp-tls" placeholder:"MODE" help:"starttls (default), implicit, or in development none."`
	SmtpCaFile   string `placeholder:"FILE" help:"Certificates to trust instead of the machine's, as PEM."`
}

// outlets are the channels that are configured.
type outlets struct {
	channels map[string]push.Channel
	confirms map[string]bool // of those that are there: true for one that says later whether the person got what it accepted
	codes    accounts.CodeSender
	budget   *push.Budget
	gateway  *sms.Gateway    // nil without one
	smpp     *sms.SMPP       // likewise; its Run outlives the senders
	web      *webpush.Client // likewise
	outbox   func() []api.DevText
	closers  []func()
}

// atOnce is how many attempts a channel may have under way.
func (c *channels) atOnce() map[string]int {
	return map[string]int{push.ChannelPush: c.FcmWorkers, push.ChannelWeb: 64, push.ChannelSMS: max(16, c.SmppWindow), push.ChannelEmail: 8}
}

// outlets builds every channel that is configured. told gets what gateways say later; it may be nil where nobody waits for that.
func (s *settings) outlets(ctx context.Context, log *slog.Logger, told *push.Service) (*outlets, error) {
	o := &outlets{channels: map[string]push.Channel{}, confirms: map[string]bool{}}
	for _, open := range []func() error{
		func() error { return s.openPush(ctx, o) },
		func() error { return s.openWeb(o) },
		func() error { return s.openSMS(log, told, o) },
		func() error { return s.openMail(o) },
	} {
		if err := open(); err != nil {
			o.close()
			return nil, err
		}
	}
	return o, nil
}

func (o *outlets) close() {
	for _, c := range o.closers {
		c()
	}
}

func (s *settings) fcm() fcm.Config {
	return fcm.Config{ProjectID: s.FcmProject, CredentialsFile: s.FcmCredentials, Endpoint: s.FcmEndpoint, Workers: s.FcmWorkers, Dev: s.Dev}
}

func (s *settings) openPush(ctx context.Context, o *outlets) error {
	if s.FcmProject == "" && s.FcmCredentials == "" {
		return nil
	}
	c, err := fcm.New(ctx, s.fcm())
	o.channels[push.ChannelPush], o.confirms[push.ChannelPush] = c, true
	return err
}

func (s *settings) openWeb(o *outlets) (err error) {
	if s.WebPushSubject == "" {
		if s.WebPushKey != "" || len(s.WebPushHosts) > 0 {
			return errors.New("BALAGH_WEB_PUSH_KEY and BALAGH_WEB_PUSH_HOSTS go with BALAGH_WEB_PUSH_SUBJECT: set it to mailto: and an address that push services may write to")
		}
		return nil
	}
	key := s.WebPushKey
	if key == "" {
		secret, err := s.secret()
		if err != nil {
			return err
		}
		if key, err = webpush.KeyFromSecret(secret); err != nil {
			return err
		}
	}
	o.web, err = webpush.New(webpush.Config{Subject: s.WebPushSubject, PrivateKey: key, Hosts: s.WebPushHosts, Workers: s.atOnce()[push.ChannelWeb], Dev: s.Dev})
	o.channels[push.ChannelWeb], o.confirms[push.ChannelWeb] = o.web, true
	return err
}

// textSender is a way to send text messages: notices and one-time codes.
type textSender interface {
	push.Channel
	accounts.CodeSender
}

func (s *settings) openSMS(log *slog.Logger, told *push.Service, o *outlets) error {
	var way textSender
	var err error
	switch http := s.SmsProfile != "" || s.SmsURL != ""; {
	case http && s.SmppAddress != "":
		return errors.New("BALAGH_SMPP_ADDRESS and BALAGH_SMS_PROFILE or BALAGH_SMS_URL are both set: choose one way to send text messages")
	case s.SmppAddress == "" && (s.SmppSystemID != "" || s.SmppPassword != ""):
		return errors.New("BALAGH_SMPP_SYSTEM_ID and BALAGH_SMPP_PASSWORD go with BALAGH_SMPP_ADDRESS: set it to the SMS centre's host:port")
	case !http && (s.SmsKey != "" || s.SmsSender != "" && s.SmppAddress == "" || s.SmsBody != ""):
		return errors.New("BALAGH_SMS_KEY, BALAGH_SMS_SENDER and BALAGH_SMS_BODY go with an HTTP gateway: set BALAGH_SMS_PROFILE or BALAGH_SMS_URL")
	case !http && s.SmsCallbackSecret != "":
		return errors.New("BALAGH_SMS_CALLBACK_SECRET goes with an HTTP gateway: set BALAGH_SMS_PROFILE or BALAGH_SMS_URL")
	case http:
		o.gateway, err = sms.New(sms.Config{Profile: s.SmsProfile, URL: s.SmsURL, Key: s.SmsKey, Sender: s.SmsSender, Body: s.SmsBody,
			CallbackSecret: s.SmsCallbackSecret, Workers: s.atOnce()[push.ChannelSMS], Dev: s.Dev})
		way, o.confirms[push.ChannelSMS] = o.gateway, s.SmsCallbackSecret != ""
	case s.SmppAddress != "":
		receive := func(r push.Receipt) error {
			if told == nil {
				return nil
			}
			return told.Receive(context.Background(), r)
		}
		o.smpp, err = sms.NewSMPP(sms.SMPPConfig{Address: s.SmppAddress, SystemID: s.SmppSystemID, Password: s.SmppPassword, SystemType: s.SmppSystemType,
			Sender: s.SmsSender, TLS: s.SmppTLS, Window: s.SmppWindow, OnReceipt: receive, Log: log})
		way, o.confirms[push.ChannelSMS] = o.smpp, true
	case s.Dev:
		dev := &sms.Dev{Log: log}
		way, o.confirms[push.ChannelSMS] = dev, false
		o.outbox = func() []api.DevText {
			var all []api.DevText
			for _, t := range dev.Texts() {
				all = append(all, api.DevText{To: t.To, Text: t.Text, Code: t.Code, At: t.At})
			}
			return all
		}
	default:
		return errors.New("nobody could sign in: set BALAGH_SMS_PROFILE and BALAGH_SMS_KEY for the HTTP gateway that sends one-time codes, or BALAGH_SMPP_ADDRESS")
	}
	if err != nil {
		return err
	}
	return s.meter(log, told, way, o)
}

// micro are the parts of the currency in which is counted.
const micro = 1_000_000

// meter counts what texts cost.
func (s *settings) meter(log *slog.Logger, told *push.Service, way textSender, o *outlets) error {
	o.channels[push.ChannelSMS], o.codes = way, way
	if s.SmsPrice < 0 || s.SmsDailyLimit < 0 || s.SmsDailyPerCentre < 0 {
		return errors.New("BALAGH_SMS_PRICE, BALAGH_SMS_DAILY_LIMIT and BALAGH_SMS_DAILY_PER_CENTRE cannot be below 0")
	}
	if s.SmsPrice == 0 && (s.SmsDailyLimit > 0 || s.SmsDailyPerCentre > 0) {
		return errors.New("BALAGH_SMS_DAILY_LIMIT and BALAGH_SMS_DAILY_PER_CENTRE need to know what a segment costs: set BALAGH_SMS_PRICE")
	}
	if told == nil || s.SmsPrice == 0 {
		return nil
	}
	amount := func(v float64) int64 { return int64(math.Round(v * micro)) }
	o.budget = &push.Budget{Store: told.Store, Zone: told.Zone, Now: told.Now, Price: amount(s.SmsPrice), Limit: amount(s.SmsDailyLimit),
		PerCentre: amount(s.SmsDailyPerCentre), Segments: sms.Segments, Log: log,
		Alarm: func(scope string) {
			log.Error("text messages have met their limit of today: only one-time codes go out", "scope", scope)
		}}
	o.channels[push.ChannelSMS] = &push.Metered{Channel: way, Budget: o.budget, Unsure: []string{"timeout", "unintelligible", "not_accepted"}}
	o.codes = counted{way, o.budget, log}
	return nil
}

// counted are one-time codes, which go whatever was spent.
type counted struct {
	accounts.CodeSender
	budget *push.Budget
	log    *slog.Logger
}

// SendCode counts a code and sends it; a count that fails keeps nobody from signing in.
func (c counted) SendCode(ctx context.Context, phone, language, code string) error {
	if err := c.budget.Spend(ctx, "", sms.CodeText(language, code)); err != nil {
		c.log.Error("count a one-time code", "error", err)
	}
	return c.CodeSender.SendCode(ctx, phone, language, code)
}

func (s *settings) openMail(o *outlets) error {
	if s.SmtpHost+s.SmtpFrom+s.SmtpUsername+s.SmtpPassword+s.SmtpReplyTo+s.SmtpTLS+s.SmtpCaFile == "" && s.SmtpPort == 0 {
		return nil
	}
	c, err := email.New(email.Config{Host: s.SmtpHost, Port: s.SmtpPort, Username: s.SmtpUsername, Password: s.SmtpPassword, From: s.SmtpFrom,
		ReplyTo: s.SmtpReplyTo, TLS: s.SmtpTLS, CAFile: s.SmtpCaFile, Dev: s.Dev})
	if err != nil {
		return err
	}
	o.channels[push.ChannelEmail], o.confirms[push.ChannelEmail] = c, false
	o.closers = append(o.closers, func() { _ = c.Close() })
	return nil
}

// check refuses what would not be safe outside development.
func (c *channels) check(add func(string, ...any)) {
	if c.FcmProject == "" && c.FcmCredentials == "" {
		add("there is no push: set BALAGH_FCM_PROJECT to the id of the Firebase project and BALAGH_FCM_CREDENTIALS to its service account file")
	}
	c.unsafe(add)
	if c.SmsProfile == "" && c.SmsURL == "" && c.SmppAddress == "" {
		add("nobody could sign in: set BALAGH_SMS_PROFILE (unifonic, taqnyat, or BALAGH_SMS_URL for another HTTP gateway) and BALAGH_SMS_KEY, or BALAGH_SMPP_ADDRESS")
	}
	if c.FcmWorkers < 1 || c.SmppWindow < 1 {
		add("BALAGH_FCM_WORKERS and BALAGH_SMPP_WINDOW must be at least 1")
	}
}

// unsafe refuses what would send pushes elsewhere, or believe what nobody signed.
func (c *channels) unsafe(add func(string, ...any)) {
	if c.FcmEndpoint != "" {
		add("BALAGH_FCM_ENDPOINT sends pushes elsewhere without credentials: it is for --dev only")
	}
	if os.Getenv("FIREBASE_AUTH_EMULATOR_HOST") != "" {
		add("FIREBASE_AUTH_EMULATOR_HOST is set, which switches checks of signatures off: unset it")
	}
}
