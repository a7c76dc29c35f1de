package push

import (
	_ "embed"
	"encoding/json"
	"strings"
)

// Languages that every text exists in; the first is used when another is asked for.
var Languages = []string{"ar", "en", "ur"}

// Text as it is shown.
type Text struct {
	Title string `json:"title"`
	Body  string `json:"body"`
}

//go:embed texts.json
var textsJSON []byte

// texts by kind and language, with {number} for the number of the report.
var texts = func() map[Kind]map[string]Text {
	var t map[Kind]map[string]Text
	if err := json.Unmarshal(textsJSON, &t); err != nil {
		panic("push/texts.json: " + err.Error())
	}
	return t
}()

func known(k Kind) bool { return texts[k] != nil }

// language is the one of Languages that a person who wants l gets.
func language(l string) string {
	for _, have := range Languages {
		if l == have {
			return l
		}
	}
	return Languages[0]
}

// Render is the text of a kind. The number stands between isolates (U+2068, U+2069), so that its digits keep their order
// and their place within a right-to-left sentence.
func Render(k Kind, lang, number string) Text {
	t := texts[k][language(lang)]
	fill := strings.NewReplacer("{number}", "\u2068"+number+"\u2069")
	return Text{Title: fill.Replace(t.Title), Body: fill.Replace(t.Body)}
}
