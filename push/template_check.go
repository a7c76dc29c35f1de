package push

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/balagh/balagh/fault"
)

// SampleNumber stands for a number in a preview.
const SampleNumber = "1234567897"

// sample is what a text is shown, and measured, with.
func sample(number, lang string) Vars {
	titles := map[string]string{"ar": "رضا المستفيدين عن مراكز الاستقبال", "en": "How content people are with the reception centres",
		"ur": "استقبالیہ مراکز کی خدمات سے اطمینان"}
	return Vars{Number: number, Title: titles[lang], Link: "https://balagh.example/s/" + strings.Repeat("x", 38) + "?lang=" + lang}
}

// shape is what a channel's texts may be. Lengths are those of what is sent.
type shape struct {
	title, body int // the longest; a title of 0 is none at all
	units       func(string) int
}

// shapes by channel. An SMS of 670 UTF-16 units takes ten segments; a push of 600 characters stays below FCM's 4,096 bytes.
var shapes = map[string]shape{
	ChannelPush:  {title: 100, body: 500, units: utf8.RuneCountInString},
	ChannelSMS:   {body: 670, units: func(s string) int { return len(utf16.Encode([]rune(s))) }},
	ChannelEmail: {title: 150, body: 4000, units: utf8.RuneCountInString},
}

// check takes the texts apart, by language. Its faults name the language and the part, and where one character is the fault its
// place, in code points from 0: "texts/ar/body/17". A body without a variable that it must name is Required.
func (t Template) check() (map[string]phrase, error) {
	var bad fault.Fields
	switch {
	case t.Kind == Announcement:
		bad.Add("kind", fault.NotAllowed)
	case !slices.Contains(Kinds, t.Kind):
		bad.Add("kind", fault.Unknown)
	}
	shape, ok := shapes[t.Channel]
	if !ok {
		bad.Add("channel", fault.Unknown)
	}
	if err := bad.Err(); err != nil {
		return nil, err
	}
	for _, l := range slices.Sorted(maps.Keys(t.Texts)) {
		if !slices.Contains(Languages, l) {
			bad.Add("texts/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(l), fault.Unknown)
		}
	}
	may, must := variablesOf(t.Kind, t.Channel)
	phrases := map[string]phrase{}
	for _, l := range Languages {
		x, ok := t.Texts[l]
		if !ok {
			bad.Add("texts/"+l, fault.Required)
			continue
		}
		isolated := t.Channel != ChannelSMS
		part := part{path: "texts/" + l, lang: l, isolated: isolated, may: may}
		phrases[l] = phrase{title: shape.check(&bad, part.of("title"), x.Title, shape.title), body: shape.check(&bad, part.of("body"), x.Body, shape.body),
			isolated: isolated}
		for _, name := range must {
			if len(phrases[l].body.literals) > 0 && !slices.Contains(phrases[l].body.names, name) { // it could be read
				bad.Add("texts/"+l+"/body", fault.Required)
			}
		}
	}
	if len(bad) == 0 {
		parity(&bad, phrases)
	}
	return phrases, bad.Err()
}

// part of a template that is checked.
type part struct {
	path, lang string
	isolated   bool
	lines      bool // may have several
	may        []string
}

func (p part) of(name string) part {
	p.path, p.lines = p.path+"/"+name, name == "body"
	return p
}

// check takes one text apart.
func (s shape) check(bad *fault.Fields, of part, text string, longest int) parsed {
	if longest == 0 {
		if text != "" {
			bad.Add(of.path, fault.NotAllowed)
		}
		return parsed{literals: []string{""}}
	}
	p, at, why := parse(text, of.lines, of.may)
	switch {
	case strings.TrimSpace(text) == "":
		bad.Add(of.path, fault.Required)
		return parsed{}
	case why != "":
		bad.Add(fmt.Sprintf("%s/%d", of.path, at), why)
	case s.units(p.render(sample(SampleNumber, of.lang), of.isolated)) > longest:
		bad.Add(of.path, fault.TooLong)
	}
	return p
}

// parity says which languages do not name a variable that another names.
func parity(bad *fault.Fields, phrases map[string]phrase) {
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		var without []string
		for _, l := range Languages {
			if !slices.Contains(phrases[l].title.names, name) && !slices.Contains(phrases[l].body.names, name) {
				without = append(without, l)
			}
		}
		if len(without) == len(Languages) {
			continue
		}
		for _, l := range without {
			bad.Add("texts/"+l+"/body", fault.Contradicted)
		}
	}
}
