//go:build !race

// What is raced here are processes: the race detector sees nothing of it, and takes minutes to see it.

package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/store/teststore"
	"github.com/balagh/balagh/surveys"
)

// asking are servers on one store with many people in it, and a round that they are to bring to its end.
type asking struct {
	t       testing.TB
	servers []*server
	admin   *client
	db      teststore.Store // the test's own look into the store
	centres map[string]string
	clock   string // its file
	ahead   time.Duration
	round   string
}

const (
	framePeople = 1500
	sampleSize  = 900
	leaseOver   = 31 * time.Second
)

func newAsking(t *testing.T, servers int) *asking {
	t.Helper()
	first, admin := serverProcess(t)
	admin.do("PUT", "/v1/admin/questionnaires/service", serviceQuestions()).want(200)
	first.signal(syscall.SIGTERM)
	x := &asking{t: t, servers: []*server{first}, admin: admin, centres: map[string]string{}, clock: filepath.Join(t.TempDir(), "clock")}
	for len(x.servers) < servers {
		other := &server{installation: &installation{t: t, log: &logBuffer{}}, args: slices.Clone(first.args), dir: first.dir}
		address := slices.Index(other.args, "--address") + 1
		other.args[address] = freePort(t)
		other.url = "http://" + other.args[address]
		x.servers = append(x.servers, other)
	}
	x.db = teststore.At(t, storeOf(first))
	t.Cleanup(func() { _ = x.db.Close() })
	x.people()
	x.pass(0)
	for _, s := range x.servers {
		s.env = []string{surveysClock + "=" + x.clock}
		s.start()
		t.Cleanup(func() { _ = s.cmd.Process.Kill(); _ = s.cmd.Wait() })
	}
	programme := serviceProgramme()
	programme["sample"] = object{"method": "stratified", "by": []string{"centre"}, "allocation": "proportional", "size": sampleSize}
	admin.do("PUT", "/v1/admin/programmes/yearly?confirm=no_quarantine&confirm=asks_everybody_often&confirm=no_channel", programme).want(200)
	x.round = admin.do("POST", "/v1/admin/programmes/yearly/rounds", nil).want(201).str("id")
	return x
}

// storeOf is the address of a server's store.
func storeOf(s *server) string {
	return s.args[slices.Index(s.args, "--store")+1]
}

// people with a case each: five in seven in Riyadh, the others in Qassim.
func (x *asking) people() {
	x.t.Helper()
	var writing sync.WaitGroup
	turns := make(chan struct{}, 256)
	received := time.Now().AddDate(0, 0, -1).UTC().Truncate(time.Millisecond)
	for n := range framePeople {
		id, centre := uuid.NewString(), "riyadh"
		if n%7 >= 5 {
			centre = "qassim"
		}
		x.centres[id] = centre
		turns <- struct{}{}
		writing.Go(func() {
			defer func() { <-turns }()
			err := x.db.AddCitizen(x.t.Context(), &accounts.Citizen{ID: id, Rev: 1, Phone: fmt.Sprintf("+96651%07d", n), Language: "ar", Created: received})
			if err == nil {
				err = x.db.PutCase(x.t.Context(), surveys.Case{Report: uuid.NewString(), Citizen: id, Received: received, Changed: received, Status: "received",
					Snapshot: surveys.Snapshot{Centre: centre, Department: "sound", Category: "loudspeakers", Channel: "app"}})
			}
			if err != nil {
				x.t.Error(err)
			}
		})
	}
	writing.Wait()
}

// pass lets time pass for rounds, in every process at once.
func (x *asking) pass(d time.Duration) {
	x.t.Helper()
	x.ahead += d
	next := x.clock + ".next"
	if err := os.WriteFile(next, []byte(strconv.FormatInt(int64(x.ahead), 10)), 0o600); err != nil {
		x.t.Fatal(err)
	}
	if err := os.Rename(next, x.clock); err != nil {
		x.t.Fatal(err)
	}
}

// isIn looks whether the round is in a state, or beyond it.
func (x *asking) isIn(state surveys.RoundState) bool {
	x.t.Helper()
	order := []surveys.RoundState{surveys.RoundDrawing, surveys.RoundInviting, surveys.RoundOpen, surveys.RoundClosing, surveys.RoundPublished}
	r, err := x.db.Round(context.Background(), x.round)
	if err != nil {
		x.t.Fatal(err)
	}
	return slices.Index(order, r.State) >= slices.Index(order, state)
}

// count of the invitations in some states.
func (x *asking) count(states ...surveys.InvitationState) (n int) {
	x.t.Helper()
	all, err := x.db.CountInvitations(context.Background(), x.round)
	if err != nil {
		x.t.Fatal(err)
	}
	for _, s := range states {
		n += all[s]
	}
	return n
}

// reminded counts who was reminded.
func (x *asking) reminded() (n int) {
	for _, i := range x.invitations() {
		n += i.Reminded
	}
	return n
}

func (x *asking) invitations() []*surveys.Invitation {
	x.t.Helper()
	all, err := x.db.RoundInvitations(context.Background(), x.round, []surveys.InvitationState{surveys.InvitationDrawn, surveys.InvitationInvited, surveys.InvitationLapsed,
		surveys.InvitationUnreached, surveys.InvitationDropped}, "", 10*framePeople)
	if err != nil {
		x.t.Fatal(err)
	}
	return all
}

// dies kills a server in the middle of a step, of which reached tells how many have been through it. The lease of the dead one ends at once.
func (x *asking) dies(s *server, step string, reached func() int) {
	x.t.Helper()
	at := 1 + rand.IntN(sampleSize*3/4)
	soon(x.t, step, func() bool { return reached() >= at })
	s.signal(syscall.SIGKILL)
	n := reached()
	x.t.Logf("%s: killed after %d of %d", step, n, sampleSize)
	x.pass(leaseOver)
}

// soon is eventually, with a closer look.
func soon(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 60_000 {
		if ok() {
			return
		}
		<-tick.C
	}
	t.Fatalf("it never came: %s", what)
}

// TestSurveysFaults_round kills servers while they draw, invite, remind and close. One is started again each time; of two, the other goes
// on alone with what the dead one had begun.
func TestSurveysFaults_round(t *testing.T) {
	t.Parallel()
	for _, servers := range []int{1, 2} {
		t.Run(fmt.Sprint(servers), func(t *testing.T) {
			t.Parallel()
			x := newAsking(t, servers)
			asked := func() int { return x.count(surveys.InvitationInvited) }
			ended := func() int {
				return x.count(surveys.InvitationLapsed, surveys.InvitationUnreached, surveys.InvitationDropped)
			}
			for n, step := range []struct {
				name    string
				begin   func()
				reached func() int
				after   func() bool
			}{
				{"drawing", nil, func() int { return x.count(surveys.InvitationDrawn, surveys.InvitationInvited) }, func() bool { return x.isIn(surveys.RoundInviting) }},
				{"inviting", nil, asked, func() bool { return x.isIn(surveys.RoundOpen) }},
				{"reminding", func() { x.pass(3*24*time.Hour + time.Minute) }, x.reminded, func() bool { return x.reminded() == sampleSize }},
				{"closing", func() { x.pass(5 * 24 * time.Hour) }, ended, func() bool { return x.isIn(surveys.RoundPublished) }},
			} {
				if step.begin != nil {
					step.begin()
				}
				victim := x.servers[n%servers]
				x.dies(victim, step.name, step.reached)
				if servers == 1 { // and once more, where it began again
					victim.start()
					if n < 2 {
						x.dies(victim, step.name+" again", step.reached)
						victim.start()
					}
				}
				eventually(t, step.name+" comes to its end", step.after)
				if servers > 1 {
					victim.start()
				}
			}
			x.holds()
		})
	}
}

// holds looks whether everybody who is to be in the sample, and nobody else, was invited once and reminded once, and what was published.
func (x *asking) holds() {
	x.t.Helper()
	r, err := x.db.Round(x.t.Context(), x.round)
	if err != nil {
		x.t.Fatal(err)
	}
	want := x.sample(r.Seed)
	times := map[string]int{}
	for _, i := range x.invitations() {
		times[i.Citizen]++
		if (i.State != surveys.InvitationLapsed && i.State != surveys.InvitationUnreached) || i.Reminded != 1 {
			x.t.Errorf("an invitation is %s, reminded %d times", i.State, i.Reminded)
		}
	}
	for id := range x.centres {
		if n := times[id]; n > 1 || (n == 1) != want[id] {
			x.t.Errorf("%s has %d invitations; in the sample: %v", id, n, want[id])
		}
	}
	eventually(x.t, "every fact is handed on", func() bool {
		lag, err := x.db.Lag(context.Background(), time.Now().AddDate(1, 0, 0))
		return err == nil && lag.Pending == 0
	})
	for id := range x.centres {
		ms, err := x.db.Messages(x.t.Context(), id, push.Position{}, 100, false)
		if err != nil {
			x.t.Fatal(err)
		}
		kinds := map[push.Kind]int{}
		for _, m := range ms {
			kinds[m.Kind]++
		}
		once := 0
		if want[id] {
			once = 1
		}
		if len(ms) != 2*once || kinds[push.SurveyInvitation] != once || kinds[push.SurveyReminder] != once {
			x.t.Errorf("%s, in the sample: %v, got %v", id, want[id], kinds)
		}
	}
	x.admin.signIn("admin@example.sa")
	f := x.admin.do("GET", "/v1/insights/rounds/"+x.round, nil).want(200)
	if f.at("final") != true || f.str("methods", "seed") != r.Seed || r.Drawn.Population != framePeople || r.Drawn.Sampled != sampleSize {
		x.t.Errorf("published: %s", f.body)
	}
	for _, s := range x.servers {
		s.signal(syscall.SIGTERM)
		for line := range strings.Lines(s.log.String()) {
			if strings.Contains(line, `"level":"ERROR"`) {
				x.t.Errorf("log: %s", line)
			}
		}
	}
}

// sample is computed once more: in each centre, those whose HMAC-SHA256(seed, id) is smallest; as many of each centre as its share of the
// people, by largest remainder.
func (x *asking) sample(seed string) map[string]bool {
	x.t.Helper()
	key, err := hex.DecodeString(seed)
	if err != nil || len(key) != 32 {
		x.t.Fatalf("the seed %q", seed)
	}
	numbers := map[string][]byte{}
	by := map[string][]string{}
	for id, centre := range x.centres {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id))
		numbers[id], by[centre] = mac.Sum(nil), append(by[centre], id)
	}
	left := sampleSize
	sizes := map[string]int{}
	for centre, ids := range by {
		sizes[centre] = sampleSize * len(ids) / framePeople
		left -= sizes[centre]
	}
	centres := slices.SortedFunc(maps.Keys(by), func(a, b string) int {
		return -cmp.Compare(sampleSize*len(by[a])%framePeople, sampleSize*len(by[b])%framePeople)
	})
	for _, centre := range centres[:left] {
		sizes[centre]++
	}
	sample := map[string]bool{}
	for centre, ids := range by {
		slices.SortFunc(ids, func(a, b string) int { return bytes.Compare(numbers[a], numbers[b]) })
		for _, id := range ids[:sizes[centre]] {
			sample[id] = true
		}
	}
	return sample
}
