package reports

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

var update = flag.Bool("update", false, "rewrite docs/lifecycle.md from the table")

func staff(r actor.Role) actor.Actor { return actor.Actor{Kind: actor.Staff, Role: r} }

var citizen = actor.Actor{Kind: actor.Citizen}

// The matrix as it was agreed, written down a second time and the other way round: by actor.
func TestNext(t *testing.T) {
	t.Parallel()
	officer := map[Status][]Status{
		Assigned: {InProgress}, InProgress: {WaitingForCitizen, Resolved}, WaitingForCitizen: {InProgress},
	}
	for _, c := range []struct {
		name string
		who  actor.Actor
		want map[Status][]Status
	}{
		{"clerk", staff(actor.Clerk), map[Status][]Status{Received: {Assigned, Rejected}, Reopened: {Assigned}}},
		{"officer", staff(actor.Officer), officer},
		{"supervisor", staff(actor.Supervisor), map[Status][]Status{
			Received: {Assigned, Rejected, Duplicate}, Reopened: {Assigned}, Assigned: {InProgress, Rejected, Duplicate},
			InProgress: {WaitingForCitizen, Resolved, Rejected, Duplicate}, WaitingForCitizen: {InProgress, Duplicate}, Resolved: {Closed},
		}},
		{"manager", staff(actor.Manager), nil},
		{"admin", staff(actor.Admin), nil},
		{"citizen", citizen, map[Status][]Status{
			Received: {Withdrawn}, Assigned: {Withdrawn}, InProgress: {Withdrawn}, WaitingForCitizen: {InProgress, Withdrawn},
			Resolved: {Reopened}, Closed: {Reopened},
		}},
		{"system", actor.Actor{Kind: actor.System}, map[Status][]Status{Resolved: {Closed}}},
		{"nobody", actor.Actor{}, nil},
		{"nobody with a role", actor.Actor{Role: actor.Supervisor}, nil},
	} {
		for _, from := range append([]Status{"", "no_status"}, Statuses...) {
			if got := Next(from, c.who); !slices.Equal(got, c.want[from]) {
				t.Errorf("%s from %q: %v, want %v", c.name, from, got, c.want[from])
			}
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	if err := Check(InProgress, Resolved, staff(actor.Officer)); err != nil {
		t.Error(err)
	}
	var f *fault.Error
	err := Check(Assigned, Resolved, staff(actor.Officer))
	if !errors.As(err, &f) || f.Code != fault.TransitionNotAllowed || !slices.Equal(f.Allowed, []string{"in_progress"}) {
		t.Errorf("%+v", err)
	}
	for _, to := range append([]Status{"", "no_status"}, Statuses...) {
		if err := Check(Withdrawn, to, staff(actor.Supervisor)); fault.CodeOf(err) != fault.TransitionNotAllowed {
			t.Errorf("withdrawn → %s: %v", to, err)
		}
	}
	// Next, Allowed and Check tell the same.
	for _, from := range Statuses {
		for _, to := range Statuses {
			for _, who := range []actor.Actor{staff(actor.Clerk), staff(actor.Officer), staff(actor.Supervisor), citizen} {
				next := slices.Contains(Next(from, who), to)
				if Allowed(from, to, who) != next || (Check(from, to, who) == nil) != next {
					t.Errorf("%s → %s differs for %s %s", from, to, who.Kind, who.Role)
				}
			}
		}
	}
}

func TestStatus_Sorts(t *testing.T) {
	t.Parallel()
	open := []Status{Received, Assigned, InProgress, WaitingForCitizen, Reopened}
	for _, s := range append([]Status{"", "no_status"}, Statuses...) {
		if Open(s) != slices.Contains(open, s) || Done(s) != (s == Resolved || s == Closed) {
			t.Errorf("%s: open %v, done %v", s, Open(s), Done(s))
		}
	}
}

func TestStatus_Name(t *testing.T) {
	t.Parallel()
	for _, language := range languages {
		seen := map[string]Status{}
		for _, s := range Statuses {
			name := s.Name(language)
			if name == "" || seen[name] != "" {
				t.Errorf("%s in %s: %q, as %q", s, language, name, seen[name])
			}
			seen[name] = s
		}
	}
	if got := Received.Name("fr"); got != "وارد" {
		t.Error(got)
	}
	if got := Status("no_status").Name("ar"); got != "" {
		t.Error(got)
	}
}

func TestLifecycle_ReachesEveryStatus(t *testing.T) {
	t.Parallel()
	reached := []Status{Received}
	for i := 0; i < len(reached); i++ {
		for _, tr := range transitions {
			if tr.from == reached[i] && !slices.Contains(reached, tr.to) {
				reached = append(reached, tr.to)
			}
		}
	}
	if len(reached) != len(Statuses) {
		t.Errorf("only %v", reached)
	}
	for i, tr := range transitions {
		if tr.from == tr.to || tr.when == "" || len(tr.staff) == 0 && !tr.citizen && !tr.system {
			t.Errorf("%+v says nothing", tr)
		}
		if slices.ContainsFunc(transitions[:i], func(o transition) bool { return o.from == tr.from && o.to == tr.to }) {
			t.Errorf("%s → %s is there twice", tr.from, tr.to)
		}
	}
}

func TestLifecycle_Document(t *testing.T) {
	path := filepath.Join("..", "docs", "lifecycle.md")
	want := lifecycleDocument()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is stale: go test ./reports -run TestLifecycle_Document -update", path)
	}
}

func (t transition) who() string {
	var who []string
	for _, r := range t.staff {
		who = append(who, string(r))
	}
	if t.citizen {
		who = append(who, "citizen")
	}
	if t.system {
		who = append(who, "the system")
	}
	return strings.Join(who, ", ")
}

func lifecycleDocument() string {
	var b strings.Builder
	b.WriteString(`# The lifecycle of a report

<!-- Drawn from the table in reports/lifecycle.go. Do not edit; run: go test ./reports -run TestLifecycle_Document -update -->

A move that is not drawn here is refused, and the refusal lists the moves that the caller may make instead. Staff move only
what lies within their centres and departments, citizens only what they filed themselves.

`)
	b.WriteString("```mermaid\nstateDiagram-v2\n    [*] --> received\n")
	for _, tr := range transitions {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", tr.from, tr.to, tr.who())
	}
	for _, s := range Statuses {
		if !Open(s) && s != Resolved {
			fmt.Fprintf(&b, "    %s --> [*]\n", s)
		}
	}
	b.WriteString("```\n\n## Moves\n\n| from | to | who | when |\n| --- | --- | --- | --- |\n")
	for _, tr := range transitions {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", tr.from, tr.to, tr.who(), tr.when)
	}
	b.WriteString("\n## Statuses\n\n| status | العربية | English | اردو | open | can be rated |\n| --- | --- | --- | --- | --- | --- |\n")
	yes := map[bool]string{true: "yes"}
	for _, s := range Statuses {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", s, s.Name("ar"), s.Name("en"), s.Name("ur"), yes[Open(s)], yes[Done(s)])
	}
	return b.String()
}
