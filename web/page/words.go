package page

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
)

//go:embed words.json
var wordsJSON []byte

//go:embed *.html
var files embed.FS

// words by key and language.
var words = map[string]map[string]string{}

func init() { AddWords(wordsJSON) }

// AddWords adds the words of a package of pages: JSON of {key: {ar, en, ur}}. Each key must have each language; it panics otherwise, and on
// a key that is there with other words. Called while the program starts.
func AddWords(b []byte) {
	var more map[string]map[string]string
	if err := json.Unmarshal(b, &more); err != nil {
		panic(fmt.Sprint("words of pages: ", err))
	}
	for key, in := range more {
		for _, lang := range Languages {
			if in[lang] == "" {
				panic("words of pages: " + key + " has nothing in " + lang)
			}
		}
		if there, ok := words[key]; ok && !maps.Equal(there, in) {
			panic("words of pages: " + key + " is there with other words")
		}
		words[key] = in
	}
}

// T is a word or sentence in the language, with %s and %d replaced by args. A key without words shows itself, so that a test finds it.
func (f Format) T(key string, args ...any) string {
	s, ok := words[key][f.Lang]
	if !ok {
		return "⟨" + key + "⟩"
	}
	if len(args) == 0 {
		return s
	}
	for i, a := range args {
		if n, ok := a.(int); ok {
			args[i] = f.N(n)
		}
	}
	return fmt.Sprintf(strings.ReplaceAll(s, "%d", "%s"), args...)
}

// Has says whether there are words for a key.
func (f Format) Has(key string) bool { return words[key] != nil }

// Either is the word of a key, or the text itself where there is none: for codes that somebody made.
func (f Format) Either(key, text string) string {
	if f.Has(key) {
		return f.T(key)
	}
	return text
}
