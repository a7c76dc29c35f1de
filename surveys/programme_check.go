package surveys

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys/form"
)

// Limits of a programme.
const (
	MaxName       = 200 // characters of a name
	MaxAfterDays  = 365
	MaxWindow     = 3_660 // days: ten years
	MaxQuarantine = 730   // days
	MaxOpen       = 365   // days
	MaxReminders  = 5
	MaxFrame      = 1_000     // values of one list
	MaxSample     = 1_000_000 // invitations of a sample that is not everybody
	MaxStrata     = 3         // dimensions together
)

var (
	points          = []string{OnClosed, OnOverdue, OnRejected, OnWithdrawn}
	askingChannels  = []string{"push", "sms", "email"}
	genders         = []string{"male", "female"}
	residencies     = []string{"citizen", "resident"}
	programmeCode   = regexp.MustCompile(fmt.Sprintf(`^[a-z][a-z0-9_]{0,%d}$`, form.MaxCode-1))
	frameCode       = regexp.MustCompile(`^[\p{L}\p{N}._:-]{1,64}$`)
	confidenceRange = [2]float64{0.5, 0.999}
)

// check finds everything that is wrong with a programme by itself.
func (x *Programme) check(zone *time.Location) (faults fault.Fields) {
	if !programmeCode.MatchString(x.Code) {
		faults.Add("code", fault.WrongFormat)
	}
	checkNames(&faults, x.Names)
	if x.Questionnaire == "" {
		faults.Add("questionnaire", fault.Required)
	}
	switch {
	case x.After == nil && x.Every == nil:
		faults.Add("every", fault.Required)
	case x.After != nil && x.Every != nil:
		faults.Add("every", fault.Contradicted)
	}
	if x.After != nil {
		x.After.check(&faults)
	}
	if x.Every != nil {
		x.Every.check(&faults, zone)
	}
	x.Frame.check(&faults)
	x.Sample.check(&faults, x.Every != nil)
	x.Weighting.check(&faults, x.Every != nil)
	within(&faults, "version", x.Version, 0, 1_000_000)
	within(&faults, "quarantine_days", x.QuarantineDays, 0, MaxQuarantine)
	within(&faults, "open_days", x.OpenDays, 1, MaxOpen)
	if len(x.Reminders) > MaxReminders {
		faults.Add("reminders", fault.TooMany)
	}
	last := 0
	for i, days := range x.Reminders {
		if days <= last || days >= x.OpenDays {
			faults.Add(fmt.Sprintf("reminders/%d", i), fault.OutOfRange)
		}
		last = max(last, days)
	}
	oneOf(&faults, "channels", x.Channels, askingChannels)
	return faults
}

func checkNames(faults *fault.Fields, names form.Text) {
	for _, lang := range form.Languages {
		name, path := names[lang], "names/"+lang
		switch {
		case strings.TrimSpace(name) == "":
			faults.Add(path, fault.Required)
		case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
			faults.Add(path, fault.WrongFormat)
		case utf8.RuneCountInString(name) > MaxName:
			faults.Add(path, fault.TooLong)
		}
	}
	for lang := range names {
		if !slices.Contains(form.Languages, lang) {
			faults.Add("names", fault.Unknown)
			return
		}
	}
}

func (a *After) check(faults *fault.Fields) {
	if len(a.On) == 0 {
		faults.Add("after/on", fault.Required)
	}
	oneOf(faults, "after/on", a.On, points)
	within(faults, "after/days", a.Days, 0, MaxAfterDays)
}

func (e *Every) check(faults *fault.Fields, zone *time.Location) {
	start, startOK := startOf(e.Start)
	if !startOK {
		faults.Add("every/start", fault.WrongFormat)
	}
	within(faults, "every/hour", e.Hour, 0, 23)
	within(faults, "every/window_days", e.WindowDays, 1, MaxWindow)
	switch {
	case e.Rule == "" && e.Hijri == nil:
		faults.Add("every/rule", fault.Required)
	case e.Rule != "" && e.Hijri != nil:
		faults.Add("every/hijri", fault.Contradicted)
	}
	if h := e.Hijri; h != nil {
		within(faults, "every/hijri/month", h.Month, 1, 12)
		within(faults, "every/hijri/day", h.Day, 1, 30)
	}
	if e.Rule == "" {
		return
	}
	if len(e.Rule) > maxRule {
		faults.Add("every/rule", fault.TooLong)
	} else if _, err := parseRule(e.Rule); err != nil {
		faults.Add("every/rule", fault.WrongFormat)
	} else if startOK && e.Hijri == nil && len(e.occurrences(zone, start.AddDate(0, 0, -2), 1)) == 0 {
		faults.Add("every/rule", fault.OutOfRange) // it never occurs
	}
}

func (f *Frame) check(faults *fault.Fields) {
	for _, l := range []struct {
		path   string
		values []string
	}{{"centres", f.Centres}, {"regions", f.Regions}, {"departments", f.Departments}, {"categories", f.Categories},
		{"channels", f.Channels}} {
		path := "frame/" + l.path
		if len(l.values) > MaxFrame {
			faults.Add(path, fault.TooMany)
			continue
		}
		seen := make(map[string]bool, len(l.values))
		for i, v := range l.values {
			switch {
			case !frameCode.MatchString(v):
				faults.Add(fmt.Sprintf("%s/%d", path, i), fault.WrongFormat)
			case seen[v]:
				faults.Add(fmt.Sprintf("%s/%d", path, i), fault.Duplicate)
			}
			seen[v] = true
		}
	}
	oneOf(faults, "frame/genders", f.Genders, genders)
	oneOf(faults, "frame/residencies", f.Residencies, residencies)
}

// check says also that only a round has a sample: after a case everybody is asked whom the frame and the quarantine leave.
func (s *Sample) check(faults *fault.Fields, round bool) {
	if !round {
		if s.Method != "" && s.Method != DrawAll || s.sized() || len(s.By) > 0 || s.Allocation != "" || len(s.Fixed) > 0 {
			faults.Add("sample", fault.NotAllowed)
		}
		return
	}
	if !slices.Contains([]string{DrawAll, DrawRandom, DrawStratified}, s.Method) {
		faults.Add("sample/method", fault.Unknown)
		return
	}
	s.checkStrata(faults)
	fixed := s.Method == DrawStratified && s.Allocation == Fixed
	if s.Method == DrawAll || fixed {
		if s.Size != 0 {
			faults.Add("sample/size", fault.Contradicted)
		}
		if s.Margin == 0 && s.Confidence == 0 {
			between(faults, "sample/expected_rate", s.ExpectedRate, 0, 1)
			return // what a margin would need can be asked all the same
		}
	}
	within(faults, "sample/size", s.Size, 0, MaxSample)
	if s.Size > 0 && s.Margin == 0 && s.Confidence == 0 {
		between(faults, "sample/expected_rate", s.ExpectedRate, 0, 1)
		return
	}
	if s.Margin < 0.001 || s.Margin > 0.5 {
		faults.Add("sample/margin", fault.OutOfRange)
	}
	between(faults, "sample/confidence", s.Confidence, confidenceRange[0], confidenceRange[1])
	between(faults, "sample/expected_rate", s.ExpectedRate, 0.001, 1)
}

func (s *Sample) sized() bool {
	return s.Size != 0 || s.Margin != 0 || s.Confidence != 0 || s.ExpectedRate != 0
}

func (s *Sample) checkStrata(faults *fault.Fields) {
	if s.Method != DrawStratified {
		if len(s.By) > 0 {
			faults.Add("sample/by", fault.Contradicted)
		}
		if s.Allocation != "" {
			faults.Add("sample/allocation", fault.Contradicted)
		}
		if len(s.Fixed) > 0 {
			faults.Add("sample/fixed", fault.Contradicted)
		}
		return
	}
	if len(s.By) == 0 {
		faults.Add("sample/by", fault.Required)
	} else if len(s.By) > MaxStrata {
		faults.Add("sample/by", fault.TooMany)
	}
	dimensions(faults, "sample/by", s.By)
	switch s.Allocation {
	case Proportional:
		if len(s.Fixed) > 0 {
			faults.Add("sample/fixed", fault.Contradicted)
		}
	case Fixed:
		s.checkFixed(faults)
	default:
		faults.Add("sample/allocation", fault.Unknown)
	}
}

func (s *Sample) checkFixed(faults *fault.Fields) {
	if len(s.Fixed) == 0 {
		faults.Add("sample/fixed", fault.Required)
	} else if len(s.Fixed) > MaxFrame {
		faults.Add("sample/fixed", fault.TooMany)
		return
	}
	total := 0
	for _, key := range slices.Sorted(maps.Keys(s.Fixed)) {
		n, path := s.Fixed[key], "sample/fixed/"+key
		if strings.Count(key, "|") != len(s.By)-1 || len(key) > 200 || !utf8.ValidString(key) ||
			strings.ContainsFunc(key, unicode.IsControl) {
			faults.Add("sample/fixed", fault.WrongFormat)
		} else {
			within(faults, path, n, 0, MaxSample)
		}
		total += max(0, min(n, MaxSample+1))
	}
	if total > MaxSample {
		faults.Add("sample/fixed", fault.OutOfRange)
	}
}

func (w *Weighting) check(faults *fault.Fields, round bool) {
	switch w.Method {
	case "", Unweighted:
		if len(w.By) > 0 {
			faults.Add("weighting/by", fault.Contradicted)
		}
		return
	case PostStratify, Rake:
	default:
		faults.Add("weighting/method", fault.Unknown)
		return
	}
	if !round {
		faults.Add("weighting/method", fault.NotAllowed) // there is no frame to weight to
	}
	if len(w.By) == 0 {
		faults.Add("weighting/by", fault.Required)
	} else if w.Method == PostStratify && len(w.By) > MaxStrata {
		faults.Add("weighting/by", fault.TooMany)
	}
	dimensions(faults, "weighting/by", w.By)
}

// dimensions of strata and weights. Employees are none of either: who handled a case is nothing that a person is drawn by.
func dimensions(faults *fault.Fields, path string, by []Dimension) {
	for i, d := range by {
		at := fmt.Sprintf("%s/%d", path, i)
		switch {
		case !slices.Contains(SnapshotDimensions, d):
			faults.Add(at, fault.Unknown)
		case slices.Contains(by[:i], d):
			faults.Add(at, fault.Duplicate)
		case d == ByEmployee:
			faults.Add(at, fault.NotAllowed)
		}
	}
}

func oneOf(faults *fault.Fields, path string, values, known []string) {
	if len(values) > len(known) {
		faults.Add(path, fault.TooMany)
		return
	}
	for i, v := range values {
		switch {
		case !slices.Contains(known, v):
			faults.Add(fmt.Sprintf("%s/%d", path, i), fault.Unknown)
		case slices.Contains(values[:i], v):
			faults.Add(fmt.Sprintf("%s/%d", path, i), fault.Duplicate)
		}
	}
}

func within(faults *fault.Fields, path string, n, low, high int) {
	if n < low || n > high {
		faults.Add(path, fault.OutOfRange)
	}
}

func between(faults *fault.Fields, path string, x, low, high float64) {
	if !(x >= low && x <= high) {
		faults.Add(path, fault.OutOfRange)
	}
}
