package surveys

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys/form"
)

func goodProgramme() Programme {
	return Programme{Code: "monthly", Names: form.Text{"ar": "شهري", "en": "Monthly", "ur": "ماہانہ"}, Active: true,
		Questionnaire: "reception",
		Every:         &Every{Rule: "FREQ=MONTHLY;BYMONTHDAY=1", Start: "2026-01-01", Hour: 8, WindowDays: 30},
		Sample: Sample{Method: DrawStratified, By: []Dimension{ByCentre}, Allocation: Proportional, Margin: 0.03, Confidence: 0.95,
			ExpectedRate: 0.4}, QuarantineDays: 90,
		Weighting: Weighting{Method: Rake, By: []Dimension{ByCentre, ByGender}}, OpenDays: 14, Reminders: []int{3, 7},
		Channels: []string{"push", "sms"}}
}

func TestProgramme_check(t *testing.T) {
	t.Parallel()
	yes := true
	for name, c := range map[string]struct {
		change func(*Programme)
		want   string // path and reason; empty: nothing is wrong
	}{
		"nothing":   {func(*Programme) {}, ""},
		"everybody": {func(x *Programme) { x.Sample = Sample{Method: DrawAll} }, ""},
		"a fixed allocation": {func(x *Programme) {
			x.Sample = Sample{Method: DrawStratified, By: []Dimension{ByCentre}, Allocation: Fixed, Fixed: map[string]int{"riyadh": 10}}
		}, ""},
		"a size": {func(x *Programme) { x.Sample = Sample{Method: DrawRandom, Size: 100} }, ""},
		"after a case": {func(x *Programme) {
			x.Every, x.After, x.Sample, x.Weighting = nil, &After{On: []string{OnClosed}, Days: 3}, Sample{}, Weighting{}
		}, ""},
		"each Hijri year": {func(x *Programme) { x.Every.Rule, x.Every.Hijri = "", &HijriDay{9, 1} }, ""},
		"a frame": {func(x *Programme) {
			x.Frame = Frame{Centres: []string{"SA-01"}, Genders: []string{"female"}, Company: &yes}
		}, ""},
		"code":                {func(x *Programme) { x.Code = "Monthly" }, "code wrong_format"},
		"a name is missing":   {func(x *Programme) { x.Names = form.Text{"ar": "ش", "en": "M"} }, "names/ur required"},
		"a language too many": {func(x *Programme) { x.Names["fr"] = "Mensuel" }, "names unknown"},
		"no questionnaire":    {func(x *Programme) { x.Questionnaire = "" }, "questionnaire required"},
		"no occasion":         {func(x *Programme) { x.Every, x.Sample, x.Weighting = nil, Sample{}, Weighting{} }, "every required"},
		"two occasions":       {func(x *Programme) { x.After = &After{On: []string{OnClosed}} }, "every contradictory"},
		"no point": {func(x *Programme) { x.Every, x.After, x.Sample, x.Weighting = nil, &After{}, Sample{}, Weighting{} },
			"after/on required"},
		"a sample of cases": {func(x *Programme) { x.Every, x.After, x.Weighting = nil, &After{On: []string{OnClosed}}, Weighting{} },
			"sample not_allowed"},
		"weights of cases": {func(x *Programme) { x.Every, x.After, x.Sample = nil, &After{On: []string{OnClosed}}, Sample{} },
			"weighting/method not_allowed"},
		"another point": {func(x *Programme) {
			x.Every, x.After, x.Sample, x.Weighting = nil, &After{On: []string{"received"}}, Sample{}, Weighting{}
		}, "after/on/0 unknown"},
		"a rule and a Hijri day": {func(x *Programme) { x.Every.Hijri = &HijriDay{1, 1} }, "every/hijri contradictory"},
		"no rule":                {func(x *Programme) { x.Every.Rule = "" }, "every/rule required"},
		"a rule that never occurs": {func(x *Programme) { x.Every.Rule = "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30" },
			"every/rule out_of_range"},
		"a rule by the hour": {func(x *Programme) { x.Every.Rule = "FREQ=HOURLY" }, "every/rule wrong_format"},
		"no such day":        {func(x *Programme) { x.Every.Start = "2026-02-30" }, "every/start wrong_format"},
		"hour":               {func(x *Programme) { x.Every.Hour = 24 }, "every/hour out_of_range"},
		"window":             {func(x *Programme) { x.Every.WindowDays = 0 }, "every/window_days out_of_range"},
		"a Hijri month": {func(x *Programme) { x.Every.Rule, x.Every.Hijri = "", &HijriDay{13, 1} },
			"every/hijri/month out_of_range"},
		"a value with a bar": {func(x *Programme) { x.Frame.Centres = []string{"a|b"} }, "frame/centres/0 wrong_format"},
		"a value twice":      {func(x *Programme) { x.Frame.Regions = []string{"a", "a"} }, "frame/regions/1 duplicate"},
		"gender":             {func(x *Programme) { x.Frame.Genders = []string{"x"} }, "frame/genders/0 unknown"},
		"method":             {func(x *Programme) { x.Sample = Sample{Method: "friends"} }, "sample/method unknown"},
		"no size": {func(x *Programme) { x.Sample = Sample{Method: DrawRandom} },
			"sample/margin out_of_range sample/confidence out_of_range sample/expected_rate out_of_range"},
		"strata of a random sample": {func(x *Programme) { x.Sample.Method, x.Sample.Allocation = DrawRandom, "" },
			"sample/by contradictory"},
		"strata by employee": {func(x *Programme) { x.Sample.By = []Dimension{ByEmployee} }, "sample/by/0 not_allowed"},
		"no strata":          {func(x *Programme) { x.Sample.By = nil }, "sample/by required"},
		"strata twice":       {func(x *Programme) { x.Sample.By = []Dimension{ByCentre, ByCentre} }, "sample/by/1 duplicate"},
		"allocation":         {func(x *Programme) { x.Sample.Allocation = "equal" }, "sample/allocation unknown"},
		"a fixed allocation of nothing": {func(x *Programme) {
			x.Sample = Sample{Method: DrawStratified, By: []Dimension{ByCentre}, Allocation: Fixed}
		}, "sample/fixed required"},
		"a stratum of another kind": {func(x *Programme) {
			x.Sample = Sample{Method: DrawStratified, By: []Dimension{ByCentre}, Allocation: Fixed, Fixed: map[string]int{"a|b": 1}}
		}, "sample/fixed wrong_format"},
		"less than nobody": {func(x *Programme) {
			x.Sample = Sample{Method: DrawStratified, By: []Dimension{ByCentre}, Allocation: Fixed, Fixed: map[string]int{"a": -1}}
		}, "sample/fixed/a out_of_range"},
		"a size of everybody":        {func(x *Programme) { x.Sample = Sample{Method: DrawAll, Size: 5} }, "sample/size contradictory"},
		"weights without dimensions": {func(x *Programme) { x.Weighting.By = nil }, "weighting/by required"},
		"weights by too many": {func(x *Programme) {
			x.Weighting = Weighting{PostStratify, []Dimension{ByCentre, ByGender, ByRegion, ByCompany}}
		}, "weighting/by too_many"},
		"no weights, but dimensions":   {func(x *Programme) { x.Weighting.Method = "" }, "weighting/by contradictory"},
		"reminders that do not ascend": {func(x *Programme) { x.Reminders = []int{7, 3} }, "reminders/1 out_of_range"},
		"a reminder at the end":        {func(x *Programme) { x.Reminders = []int{14} }, "reminders/0 out_of_range"},
		"quarantine":                   {func(x *Programme) { x.QuarantineDays = -1 }, "quarantine_days out_of_range"},
		"open":                         {func(x *Programme) { x.OpenDays, x.Reminders = 0, nil }, "open_days out_of_range"},
		"channel":                      {func(x *Programme) { x.Channels = []string{"telegram"} }, "channels/0 unknown"},
		"all at once": {func(x *Programme) { x.Code, x.Questionnaire, x.OpenDays, x.Reminders = "", "", 400, nil },
			"code wrong_format questionnaire required open_days out_of_range"},
	} {
		x := goodProgramme()
		x.Names = maps.Clone(x.Names)
		c.change(&x)
		got := ""
		for _, f := range x.check(time.UTC) {
			if got != "" {
				got += " "
			}
			got += f.Path + " " + string(f.Reason)
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestForecast_confirm(t *testing.T) {
	t.Parallel()
	f := &Forecast{Warnings: []string{WarnNobody, WarnNoQuarantine}}
	err, ok := f.confirm([]string{WarnNobody}).(*fault.Error)
	if !ok || err.Code != fault.Conflict || !slices.Equal(err.Allowed, []string{WarnNoQuarantine}) {
		t.Errorf("%v", err)
	}
	if err := f.confirm([]string{WarnNoQuarantine, "another", WarnNobody}); err != nil {
		t.Errorf("all was confirmed: %v", err)
	}
}
