package email

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"net/mail"
	"strings"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"github.com/balagh/balagh/push"
)

// The isolates that Text puts around what reads from left to right, such as the number of a report.
const (
	isolate = "\u2068"
	endOfIt = "\u2069"
)

const maxName = 100 // characters of a person's name that a header shows

var (
	errAddress = errors.New("the address cannot be used")

	//go:embed mail.html
	page string
	form = template.Must(template.New("mail").Parse(page))
)

// message is the notice as a mail, and its Message-ID. The bytes that a person wrote get into a header only without what
// could end it.
func (c *Client) message(n push.Notice) (*gomail.Msg, string, error) {
	if !plain(n.To) {
		return nil, "", errAddress
	}
	html, err := htmlText(n)
	if err != nil {
		return nil, "", err
	}
	encoding := gomail.EncodingB64
	if n.Language == "en" {
		encoding = gomail.EncodingQP // readable as it is, and shorter where letters are Latin
	}
	id := c.messageID(n)
	m := gomail.NewMsg(gomail.WithEncoding(encoding), gomail.WithNoDefaultUserAgent())
	m.FromMailAddress(c.from)
	m.ToMailAddress(&mail.Address{Name: line(n.Name, maxName), Address: n.To})
	if c.replyTo != nil {
		m.ReplyToMailAddress(c.replyTo)
	}
	m.Subject(line(n.Text.Title, len(n.Text.Title)))
	m.SetDate()
	m.SetMessageIDWithValue(strings.Trim(id, "<>"))
	m.SetGenHeader("Auto-Submitted", "auto-generated")        // RFC 3834: nobody's absence is answered to it
	m.SetGenHeader(gomail.HeaderXAutoResponseSuppress, "All") // the same for Exchange
	m.SetGenHeader(gomail.HeaderContentLang, n.Language)
	m.SetBodyString(gomail.TypeTextPlain, n.Text.Body+"\n")
	m.AddAlternativeString(gomail.TypeTextHTML, html)
	return m, id, nil
}

// messageID is the same at each attempt.
func (c *Client) messageID(n push.Notice) string {
	id := n.Delivery
	if id == "" {
		id = n.ID
	}
	if id == "" || strings.Trim(strings.ToLower(id), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		sum := sha256.Sum256([]byte(id))
		id = hex.EncodeToString(sum[:16])
	}
	return "<" + id + "@" + c.domain + ">"
}

// span is a piece of a line, Apart when it has its own direction.
type span struct {
	Text  string
	Apart bool
}

func htmlText(n push.Notice) (string, error) {
	dir := "ltr"
	if n.Language == "ar" || n.Language == "ur" {
		dir = "rtl"
	}
	var lines [][]span
	for l := range strings.Lines(n.Text.Body) {
		if l = strings.TrimSpace(l); l != "" {
			lines = append(lines, spans(l))
		}
	}
	var b bytes.Buffer
	err := form.Execute(&b, struct {
		Lang, Dir, Title string
		Lines            [][]span
	}{n.Language, dir, n.Text.Title, lines})
	if err != nil {
		return "", fmt.Errorf("write the mail: %w", err)
	}
	return b.String(), nil
}

// spans takes a line apart at the isolates.
func spans(l string) (all []span) {
	for l != "" {
		before, rest, found := strings.Cut(l, isolate)
		if before != "" {
			all = append(all, span{Text: before})
		}
		if !found {
			break
		}
		within, after, _ := strings.Cut(rest, endOfIt)
		all = append(all, span{within, true})
		l = after
	}
	return all
}

// line is s on one line, of at most that many characters.
func line(s string, most int) string {
	s = strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if control(r) {
			return ' '
		}
		return r
	}, s), "")
	if r := []rune(s); len(r) > most {
		s = string(r[:most])
	}
	return strings.Join(strings.Fields(s), " ")
}

// control says whether r could end a line.
func control(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

// plain says whether s is an address and nothing else: no name, no comment, nothing quoted.
func plain(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Name == "" && a.Address == s && len(s) <= 254 && !strings.ContainsFunc(s, func(r rune) bool {
		return control(r) || unicode.IsSpace(r) || strings.ContainsRune(`<>"()[],;:\`, r)
	})
}

func ascii(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) < 0
}
