package push

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/balagh/balagh/fault"
)

// Vars are what a text may name.
type Vars struct {
	Number string // {number}: of the report, ten ASCII digits
	Title  string // {title}: of the questionnaire, in the language of the text
	Link   string // {link}: where it is answered without signing in
}

// variables by the name that stands between braces.
var variables = map[string]func(Vars) string{
	"number": func(v Vars) string { return v.Number },
	"title":  func(v Vars) string { return v.Title },
	"link":   func(v Vars) string { return v.Link },
}

// variablesOf the texts of a kind for a channel: those that they may name, and those that the body of each must.
func variablesOf(k Kind, channel string) (may, must []string) {
	switch {
	case k != SurveyInvitation && k != SurveyReminder:
		return []string{"number"}, nil
	case channel == ChannelPush: // the app opens it by its id
		return []string{"title"}, nil
	}
	return []string{"title", "link"}, []string{"link"}
}

// The isolates keep the digits of a number in order and in their place within a right-to-left sentence.
const (
	isolate    = "\u2068"
	endIsolate = "\u2069"
)

// parsed is a text taken apart at its variables.
type parsed struct {
	literals []string // one more than names
	names    []string // of variables
}

// parse reads a text: {name} is a variable of those that it may name, {{ and }} are braces. It ends at the first fault and tells its reason and its place,
// in characters (code points) from 0; the reason is "" when there is none.
func parse(text string, lines bool, may []string) (p parsed, at int, why fault.Reason) {
	var literal strings.Builder
	for i := 0; i < len(text); at++ {
		r, size := utf8.DecodeRuneInString(text[i:])
		rest := text[i+size:]
		switch {
		case r == utf8.RuneError && size == 1:
			return parsed{}, at, fault.WrongFormat
		case forbidden(r) && !(lines && r == '\n'):
			return parsed{}, at, fault.NotAllowed
		case (r == '{' || r == '}') && strings.HasPrefix(rest, string(r)):
			size++
			at++
			literal.WriteRune(r)
		case r == '}':
			return parsed{}, at, fault.WrongFormat
		case r == '{':
			end := strings.IndexAny(rest, "{}")
			if end < 0 || rest[end] == '{' {
				return parsed{}, at, fault.WrongFormat
			}
			name := rest[:end]
			if !slices.Contains(may, name) {
				return parsed{}, at, fault.Unknown
			}
			p.literals, p.names = append(p.literals, literal.String()), append(p.names, name)
			literal.Reset()
			size += end + 1
			at += utf8.RuneCountInString(name) + 1
		default:
			literal.WriteRune(r)
		}
		i += size
	}
	p.literals = append(p.literals, literal.String())
	return p, at, ""
}

// forbidden are characters that no text needs: controls, line breaks of other kinds, and those that turn the direction of what
// follows, which could show a number in another order than it has. The joiners of Urdu and the marks of direction are no such.
func forbidden(r rune) bool {
	return unicode.IsControl(r) || r >= '\u2028' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// render puts the values in. An SMS gets no isolates: they would make UCS-2 of an English one, and old phones show them as boxes;
// ten ASCII digits side by side keep their order without them (UAX #9, rules W2 to L2: they are one run of numbers, at an even level).
// A link gets none either: what finds links in a text takes the mark for a part of it.
func (p parsed) render(v Vars, isolated bool) string {
	if len(p.names) == 0 {
		return strings.Join(p.literals, "")
	}
	var b strings.Builder
	for i, name := range p.names {
		b.WriteString(p.literals[i])
		value := variables[name](v)
		if isolated && name != "link" {
			value = isolate + value + endIsolate
		}
		b.WriteString(value)
	}
	b.WriteString(p.literals[len(p.names)])
	return b.String()
}

// phrase is a Text taken apart.
type phrase struct {
	title, body parsed
	isolated    bool
}

func (p phrase) render(v Vars) Text {
	return Text{Title: p.title.render(v, p.isolated), Body: p.body.render(v, p.isolated)}
}
