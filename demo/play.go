package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	phonesAtOnce = 28
	restTime     = 30 * time.Second // that the desk has to finish, when the last citizen has gone home
)

// Options of a play.
type Options struct {
	URL           string // of the server, such as http://127.0.0.1:8080
	StandinURL    string // of the stand-in for FCM
	AdminEmail    string
	AdminPassword string
	Citizens      int
	Seed          uint64
	PhotosFolder  string    // whose files the phones send; "" for pictures that are made
	Out           io.Writer // shows how far it is
	// Clock is the one by which the server's rounds of questionnaires go, fast enough for one within a play.
	Clock func() time.Time
}

// play is what all players share.
type play struct {
	Options
	web     *http.Client
	org     Organisation
	zone    *time.Location // of the organisation
	country *country
	album   *album
	admin   *client
	staff   []colleague
	seed    uint64 // of what people decide
	run     uint64 // of their numbers and ids, which no other play has
	tally   tally
	pockets pockets
}

// CheckPhotos says why the files of a folder cannot be the phones' photos, if they cannot.
func CheckPhotos(folder string) error {
	if folder == "" {
		return nil
	}
	_, err := readAlbum(folder)
	return err
}

// Play sets up the organisation, plays its citizens and its staff against a running server, and tells what came of it. A
// summary comes with an error as well when something went wrong that should not.
func Play(ctx context.Context, o Options) (*Summary, error) {
	p := &play{Options: o, web: transport(), org: Load(), run: uint64(time.Now().UnixNano())}
	defer p.web.CloseIdleConnections()
	show := newProgress(o.Out, o.Citizens)
	defer show.end()
	show.phase("preparing", p)
	if err := p.prepare(ctx); err != nil {
		return nil, err
	}
	desk, err := p.openDesk(ctx)
	if err != nil {
		return nil, fmt.Errorf("the desk: %w", err)
	}
	began := time.Now()
	show.phase("playing", p)
	working, home := context.WithCancel(ctx)
	defer home()
	var atDesk sync.WaitGroup
	atDesk.Go(func() { desk.work(working) })
	p.pockets.listen(ctx, &p.tally)
	defer p.pockets.empty()
	citizens := p.day(ctx, show)
	if ctx.Err() == nil {
		show.phase("finishing", p)
	}
	asked := p.ask(ctx, citizens)
	rest := p.rest(ctx)
	home()
	atDesk.Wait()
	if err := errors.Join(rest, ctx.Err()); err != nil {
		return nil, err
	}
	took := time.Since(began)
	show.phase("telling all", p)
	broadcast, counted, err := p.announce(ctx)
	if err != nil {
		return nil, fmt.Errorf("the broadcast: %w", err)
	}
	if err := p.settle(ctx); err != nil {
		return nil, err
	}
	polled := <-asked
	if err := p.evening(ctx, citizens); err != nil {
		return nil, err
	}
	return p.tell(ctx, took, citizens, polled, func(s *Summary) (err error) {
		s.Broadcast, err = p.outcome(ctx, broadcast, counted)
		return err
	})
}

// polled is how a round ended.
type polled struct {
	round string // id
	err   error
}

// ask lets a round go on beside everything else. The phones of those whose day is over answer.
func (p *play) ask(ctx context.Context, citizens []*citizen) <-chan polled {
	p.pockets.wake()
	ended := make(chan polled, 1)
	go func() {
		id, err := p.poll(ctx, citizens)
		ended <- polled{id, err}
	}()
	return ended
}

// tell makes the summary, with what else is to be added to it.
func (p *play) tell(ctx context.Context, took time.Duration, citizens []*citizen, x polled, add func(*Summary) error) (*Summary, error) {
	var round Round
	err := x.err
	if err == nil {
		round, err = p.round(ctx, x.round, citizens)
	}
	if err != nil {
		p.tally.trouble(fmt.Errorf("the questionnaire: %w", err))
	}
	s, err := p.summary(ctx, took, citizens)
	if err == nil {
		s.Round = round
		err = add(s)
	}
	if err == nil && len(s.Troubles) > 0 {
		err = fmt.Errorf("%d things went wrong, such as: %s", len(s.Troubles), s.Troubles[0])
	}
	return s, err
}

func (p *play) prepare(ctx context.Context) (err error) {
	if p.zone, err = time.LoadLocation(zones[0]); err != nil {
		return err
	}
	if p.country, err = newCountry(p.org); err != nil {
		return err
	}
	if p.album, err = newAlbum(p.PhotosFolder, newChance(p.Seed, 0).Rand); err != nil {
		return err
	}
	p.admin = &client{http: p.web, base: p.URL, language: "ar"}
	if err := p.admin.signInAsStaff(ctx, p.AdminEmail, p.AdminPassword); err != nil {
		return fmt.Errorf("sign in as administrator: %w", err)
	}
	if p.staff, err = setUp(ctx, p.admin, p.org); err != nil {
		return fmt.Errorf("set up the organisation: %w", err)
	}
	if err := p.shorten(ctx); err != nil {
		return fmt.Errorf("shorten the chain: %w", err)
	}
	if err := p.retire(ctx); err != nil {
		return fmt.Errorf("put earlier questionnaires to rest: %w", err)
	}
	v, err := p.volumes(ctx, "status")
	p.seed = p.Seed + uint64(v.Total)<<20 // what was played before is not played again
	return err
}

// day lets the citizens live, some at once.
func (p *play) day(ctx context.Context, show *progress) []*citizen {
	citizens := make([]*citizen, p.Citizens)
	var all sync.WaitGroup
	next := make(chan int)
	for range phonesAtOnce {
		all.Go(func() {
			for i := range next {
				citizens[i] = p.citizen(i)
				err := citizens[i].live(ctx)
				if ctx.Err() != nil {
					return
				}
				if err != nil {
					p.tally.trouble(err)
				}
				p.pockets.put(citizens[i])
				show.lived(p)
			}
		})
	}
	for i := range citizens {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	all.Wait()
	return citizens
}

// rest waits until the desk has brought every report to its end, except those that take longer than this play.
func (p *play) rest(ctx context.Context) error {
	for until := time.Now().Add(restTime); ; {
		open, err := p.open(ctx)
		if err != nil || open == 0 {
			return err
		}
		if time.Now().After(until) {
			p.tally.trouble(fmt.Errorf("%d reports did not come to their end", open))
			return nil
		}
		if !pause(ctx, 200*time.Millisecond) {
			return ctx.Err()
		}
	}
}

// open counts the reports on which somebody should still work now.
func (p *play) open(ctx context.Context) (n int, err error) {
	query := url.Values{"status": {"received", "assigned", "in_progress", "waiting_for_citizen", "reopened"}, "limit": {"100"}}
	for {
		var page reports
		if _, err := p.admin.get(ctx, "deskQueue", "/v1/desk/reports", query, &page); err != nil {
			return 0, err
		}
		for i := range page.Items {
			if r := &page.Items[i]; r.Status != "in_progress" || !fateOf(r).leave {
				n++
			}
		}
		if page.Next == "" {
			return n, nil
		}
		query.Set("cursor", page.Next)
	}
}

// evening lets people look at the phone once more, when everybody was told, or could not be.
func (p *play) evening(ctx context.Context, citizens []*citizen) error {
	p.pockets.empty()
	atOnce(phonesAtOnce, citizens, func(c *citizen) {
		if err := c.lastLook(ctx); err != nil && ctx.Err() == nil {
			p.tally.trouble(err)
		}
	})
	return ctx.Err()
}
