package mongo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// An aggregate is the same JSON in both stores. Here it lies in the field doc as a BSON document with the same names, so that people
// who know MongoDB can read it and ask for parts of it. Moments stay the texts that they are in JSON, whole numbers become 64 bits,
// and a name that MongoDB would take for more than a name has its dots, dollars, NULs and per cent signs written as %2E, %24, %00, %25.

// encode makes a document of what JSON makes an object of.
func encode(v any) (bson.Raw, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	r := reader{b: b.Bytes()}
	if r.peek() != '{' {
		return nil, errors.New("it is not an object")
	}
	out, err := r.object(make([]byte, 0, b.Len()*2))
	return out, err
}

// decode is the way back.
func decode(doc bson.Raw, v any) error {
	b, err := appendDocument(make([]byte, 0, len(doc)*2), doc, '{', '}')
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// reader reads what encoding/json has written: valid, and without blanks but for the end.
type reader struct {
	b []byte
	i int
}

var errJSON = errors.New("a document's JSON ends early")

func (r *reader) peek() byte {
	if r.i < len(r.b) {
		return r.b[r.i]
	}
	return 0
}

func (r *reader) object(out []byte) ([]byte, error) {
	start := len(out)
	out = append(out, 0, 0, 0, 0)
	r.i++ // {
	for r.peek() != '}' {
		if r.peek() == ',' {
			r.i++
		}
		name, err := r.text()
		if err != nil {
			return nil, err
		}
		r.i++ // :
		if out, err = r.element(out, escapeName(name)); err != nil {
			return nil, err
		}
	}
	r.i++
	return bsoncore.AppendDocumentEnd(out, int32(start))
}

func (r *reader) array(out []byte) ([]byte, error) {
	start := len(out)
	out = append(out, 0, 0, 0, 0)
	r.i++ // [
	for n := 0; r.peek() != ']'; n++ {
		if r.peek() == ',' {
			r.i++
		}
		var err error
		if out, err = r.element(out, strconv.Itoa(n)); err != nil {
			return nil, err
		}
	}
	r.i++
	return bsoncore.AppendArrayEnd(out, int32(start))
}

// element appends a value with its name.
func (r *reader) element(out []byte, name string) ([]byte, error) {
	header := func(t bsoncore.Type) []byte { return bsoncore.AppendHeader(out, t, name) }
	switch r.peek() {
	case '{':
		return r.object(header(bsoncore.TypeEmbeddedDocument))
	case '[':
		return r.array(header(bsoncore.TypeArray))
	case '"':
		s, err := r.text()
		return bsoncore.AppendString(header(bsoncore.TypeString), s), err
	case 't':
		r.i += len("true")
		return bsoncore.AppendBoolean(header(bsoncore.TypeBoolean), true), nil
	case 'f':
		r.i += len("false")
		return bsoncore.AppendBoolean(header(bsoncore.TypeBoolean), false), nil
	case 'n':
		r.i += len("null")
		return header(bsoncore.TypeNull), nil
	case 0:
		return nil, errJSON
	}
	end := r.i
	for end < len(r.b) && strings.IndexByte("+-.eE0123456789", r.b[end]) >= 0 {
		end++
	}
	number := string(r.b[r.i:end])
	if end == r.i {
		return nil, errJSON
	}
	r.i = end
	if n, err := strconv.ParseInt(number, 10, 64); err == nil && number != "-0" {
		return bsoncore.AppendInt64(header(bsoncore.TypeInt64), n), nil
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return nil, fmt.Errorf("a number of a document: %w", err)
	}
	return bsoncore.AppendDouble(header(bsoncore.TypeDouble), f), nil
}

func (r *reader) text() (string, error) {
	for end := r.i + 1; end < len(r.b); end++ {
		switch r.b[end] {
		case '\\':
			end++
		case '"':
			whole := r.b[r.i : end+1]
			r.i = end + 1
			if bytes.IndexByte(whole, '\\') < 0 {
				return string(whole[1 : len(whole)-1]), nil
			}
			var s string
			err := json.Unmarshal(whole, &s)
			return s, err
		}
	}
	return "", errJSON
}

var (
	nameEscapes   = strings.NewReplacer("%", "%25", ".", "%2E", "$", "%24", "\x00", "%00")
	nameUnescapes = strings.NewReplacer("%25", "%", "%2E", ".", "%24", "$", "%00", "\x00")
)

func escapeName(s string) string {
	if strings.ContainsAny(s, "%.$\x00") {
		return nameEscapes.Replace(s)
	}
	return s
}

func appendDocument(out []byte, doc bson.Raw, open, end byte) ([]byte, error) {
	elements, err := bsoncore.Document(doc).Elements()
	if err != nil {
		return nil, fmt.Errorf("a stored document: %w", err)
	}
	out = append(out, open)
	for i, e := range elements {
		if i > 0 {
			out = append(out, ',')
		}
		if open == '{' {
			name := e.Key()
			if strings.IndexByte(name, '%') >= 0 {
				name = nameUnescapes.Replace(name)
			}
			out = append(appendText(out, name), ':')
		}
		if out, err = appendValue(out, e.Value()); err != nil {
			return nil, err
		}
	}
	return append(out, end), nil
}

func appendValue(out []byte, v bsoncore.Value) ([]byte, error) {
	switch v.Type {
	case bsoncore.TypeEmbeddedDocument:
		return appendDocument(out, bson.Raw(v.Data), '{', '}')
	case bsoncore.TypeArray:
		return appendDocument(out, bson.Raw(v.Data), '[', ']')
	case bsoncore.TypeString:
		if s, ok := v.StringValueOK(); ok {
			return appendText(out, s), nil
		}
	case bsoncore.TypeBoolean:
		return strconv.AppendBool(out, v.Boolean()), nil
	case bsoncore.TypeNull:
		return append(out, "null"...), nil
	case bsoncore.TypeInt64:
		return strconv.AppendInt(out, v.Int64(), 10), nil
	case bsoncore.TypeInt32: // of somebody who changed it by hand
		return strconv.AppendInt(out, int64(v.Int32()), 10), nil
	case bsoncore.TypeDateTime: // likewise
		return appendText(out, time.UnixMilli(v.DateTime()).UTC().Format(time.RFC3339Nano)), nil
	case bsoncore.TypeDouble:
		if f := v.Double(); !math.IsNaN(f) && !math.IsInf(f, 0) {
			b, err := json.Marshal(f) // in the same form as everywhere
			return append(out, b...), err
		}
	}
	return nil, fmt.Errorf("a stored document has a value of the type %s", v.Type)
}

// appendText is a JSON text.
func appendText(out []byte, s string) []byte {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' }) {
		return append(append(append(out, '"'), s...), '"')
	}
	b, _ := json.Marshal(s) // texts always encode
	return append(out, b...)
}
