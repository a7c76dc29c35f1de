package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kong"

	"github.com/balagh/balagh/store/mongo"
)

// storage says where things are kept. Every command that touches them has it.
type storage struct {
	Store  string `default:"sqlite:./data/balagh.db" placeholder:"URI" help:"Where reports are kept: sqlite:PATH, mongodb://… or mongodb+srv://…. One with a password belongs in the environment."`
	Bucket string `placeholder:"URI" help:"Where photos are kept: file:///PATH, s3://BUCKET, gs://BUCKET or azblob://CONTAINER. Default: the folder photos beside the SQLite file."`
	Secret string `secret:"" placeholder:"TEXT" help:"Master secret, at least 32 characters: keys are derived from it. Make one with: openssl rand -base64 48"`
	Dev    bool   `help:"Development: codes and texts appear in the log and at /dev/outbox, a missing secret is made. Never for real people."`

	beside string // what folder gives for a store that is a server's, instead of ./data
}

// settings are everything that a server can be told.
type settings struct {
	storage
	channels
	Address        string         `default:"127.0.0.1:8080" help:"Where to listen."`
	PublicURL      string         `placeholder:"URL" help:"What links to this installation begin with: https://HOST. Without it no survey is sent by SMS or e-mail. In development: the address."`
	HijriMonths    string         `placeholder:"FILE" help:"Corrects or extends the Hijri calendar: lines such as 1447-09 2026-02-18."`
	Issuer         string         `default:"balagh" help:"Who issues access tokens: the claim iss."`
	TimeZone       string         `default:"Asia/Riyadh" help:"Where days begin and end."`
	TrustedProxies []netip.Prefix `placeholder:"CIDR,…" help:"Proxies whose X-Forwarded-For is believed."`
	MinAppVersion  string         `placeholder:"X.Y.Z" help:"Older applications are asked to update (426)."`
	CodesPerPhone  int            `default:"3" help:"One-time codes that one number may have in ten minutes."`
	CodesPerClient int            `default:"20" help:"One-time codes that one address may ask for in ten minutes."`
	PhotoURLs      string         `name:"photo-urls" default:"stream" enum:"stream,signed" help:"How pictures are served: stream through the server, or by signed addresses of the object store."`
	PhotoURLTime   time.Duration  `name:"photo-url-time" default:"5m0s" help:"How long a signed address is good."`
	MapTiles       string         `placeholder:"URL" help:"Tiles of the maps on the pages: https://HOST/{z}/{x}/{y}.png. Without it maps show the areas of the centres alone."`
	AnonPerClient  int            `default:"20" help:"Reports without an account that one address may file in an hour."`
	DeliveryAlarm  time.Duration  `default:"10m0s" help:"A delivery that waits longer than this is told of in the log and in the metric balagh_delivery_alarm."`
	LogLevel       slog.Level     `default:"INFO" help:"DEBUG, INFO, WARN or ERROR."`
	ShutdownTime   time.Duration  `default:"30s" help:"How long to wait for requests under way when stopping."`
}

const secretLength = 32

// secret is the master secret. In development one is made at the first start and kept beside the store, or in ./data.
func (s *storage) secret() ([]byte, error) {
	switch {
	case len(s.Secret) >= secretLength:
		return []byte(s.Secret), nil
	case s.Secret != "":
		return nil, fmt.Errorf("the secret is too short: set BALAGH_SECRET to at least %d characters, for example from `openssl rand -base64 48`", secretLength)
	case !s.Dev:
		return nil, errors.New("there is no secret: set BALAGH_SECRET to at least 32 random characters, for example from `openssl rand -base64 48`, and keep it as safe as the store (or start with --dev to try the program)")
	}
	folder, err := s.folder()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "development.secret")
	b, err := os.ReadFile(file)
	if err == nil && len(b) >= secretLength {
		return b, nil
	}
	b = make([]byte, 36)
	if _, err := rand.Read(b); err != nil {
		return nil, err
	}
	b = []byte(base64.StdEncoding.EncodeToString(b))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, err
	}
	return b, os.WriteFile(file, b, 0o600)
}

// check refuses what cannot work or would not be safe, with a sentence that names what to set.
func (s *settings) check() error {
	var bad []error
	add := func(format string, args ...any) { bad = append(bad, fmt.Errorf(format, args...)) }
	if _, err := time.LoadLocation(s.TimeZone); err != nil {
		add("BALAGH_TIME_ZONE: there is no time zone %q", s.TimeZone)
	}
	if s.PublicURL != "" {
		if err := checkPublicURL(s.PublicURL); err != nil {
			bad = append(bad, err)
		}
	}
	if _, err := s.path(); err != nil {
		bad = append(bad, err)
	} else if _, err := s.bucket(); err != nil {
		bad = append(bad, err)
	}
	if s.PhotoURLs == signedURLs && (s.PhotoURLTime < time.Second || s.PhotoURLTime > maxPhotoURLTime) {
		add("BALAGH_PHOTO_URL_TIME: %v is not between 1s and %v", s.PhotoURLTime, maxPhotoURLTime)
	}
	if s.Dev {
		return errors.Join(bad...)
	}
	if _, err := s.secret(); err != nil {
		bad = append(bad, err)
	}
	s.channels.check(add)
	return errors.Join(bad...)
}

type configCommand struct{ settings }

// Run prints every option as it would be set in the environment, with where it comes from.
func (c *configCommand) Run(std stdio, k *kong.Context) error {
	w := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	for _, f := range k.Selected().AllFlags(true) {
		for _, flag := range f {
			if len(flag.Envs) == 0 || flag.Name == "help" {
				continue
			}
			value := fmt.Sprint(k.FlagValue(flag))
			from := "default"
			if value != flag.Default && !(flag.Default == "" && slices.Contains([]string{"", "[]", "false", "0"}, value)) {
				from = "set"
			}
			switch {
			case flag.Tag.Has("secret") && value != "":
				value = "********"
			case flag.Name == "store" && !strings.HasPrefix(value, "sqlite:"): // it may have a password in it, however it is written
				value = mongo.Masked(value)
			case flag.Name == "bucket":
				value = withoutUser(value)
			}
			fmt.Fprintf(w, "%s=%s\t# %s; %s\n", flag.Envs[0], value, from, flag.Help)
		}
	}
	return w.Flush()
}
