package push

import (
	_ "embed"
	"encoding/json"
	"slices"
)

// Languages that every text exists in; the first is used when another is asked for.
var Languages = []string{"ar", "en", "ur"}

// Text as it is shown, or with its variables in a Template.
type Text struct {
	Title string `json:"title,omitempty"`
	Body  string `json:"body"`
}

//go:embed texts.json
var textsJSON []byte

// builtIn are the texts that come with the program: by kind, channel and language.
var builtIn = func() map[Kind]map[string]map[string]Text {
	var t map[Kind]map[string]map[string]Text
	if err := json.Unmarshal(textsJSON, &t); err != nil {
		panic("push/texts.json: " + err.Error())
	}
	return t
}()

// language is the one of Languages that a person who wants l gets.
func language(l string) string {
	if slices.Contains(Languages, l) {
		return l
	}
	return Languages[0]
}

// Render is the supplied push text of a kind.
func Render(k Kind, lang, number string) Text {
	return supplied.Text(k, ChannelPush, lang, Vars{Number: number})
}
