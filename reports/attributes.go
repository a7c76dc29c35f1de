package reports

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/fold"
)

// Datatype of an attribute: one of Open311 GeoReport v2's six.
type Datatype string

// The datatypes.
const (
	String          Datatype = "string"          // one line, at most 200 characters
	Number          Datatype = "number"          // float64
	DateTime        Datatype = "datetime"        // RFC 3339, or a date alone
	Text            Datatype = "text"            // lines, at most 4,000 characters
	SingleValueList Datatype = "singlevaluelist" // the key of one value
	MultiValueList  Datatype = "multivaluelist"  // keys of values, each once
)

// Attribute is a question that a category asks beside the description.
type Attribute struct {
	Code     string            `json:"code"`
	Labels   map[string]string `json:"labels"`          // by language
	Hints    map[string]string `json:"hints,omitempty"` // by language
	Datatype Datatype          `json:"datatype"`
	Required bool              `json:"required"`
	Order    int               `json:"order"`
	Values   []AttributeValue  `json:"values,omitempty"` // of the two list types
}

// AttributeValue is one answer that a list type offers.
type AttributeValue struct {
	Key   string            `json:"key"`
	Names map[string]string `json:"names"` // by language
}

// What attributes may hold.
const (
	maxAttributes      = 40
	maxAttributeValues = 200
	maxAttributeString = 200  // characters
	maxAttributeText   = 4000 // characters
)

// languages in which every name is kept.
var languages = []string{"ar", "en", "ur"}

// Codes and keys become keys of stored documents and parts of paths: no '$', no '.', no '/'.
var (
	attributeCode = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
	valueKey      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$`)
	plainNumber   = regexp.MustCompile(`^[+-]?[0-9]{1,15}(\.[0-9]{1,15})?$`)
)

func (d Datatype) list() bool { return d == SingleValueList || d == MultiValueList }

// ValidateDefinitions tells every fault of a category's attributes at once, at attributes/<index>/….
func ValidateDefinitions(defs []Attribute) error {
	if len(defs) > maxAttributes {
		return fault.At("attributes", fault.TooMany)
	}
	var faults fault.Fields
	codes := make(map[string]bool, len(defs))
	for i, d := range defs {
		path := fmt.Sprintf("attributes/%d/", i)
		switch {
		case !attributeCode.MatchString(d.Code):
			faults.Add(path+"code", fault.WrongFormat)
		case codes[d.Code]:
			faults.Add(path+"code", fault.Duplicate)
		}
		codes[d.Code] = true
		validateNames(&faults, path+"labels", d.Labels, true)
		if len(d.Hints) > 0 {
			validateNames(&faults, path+"hints", d.Hints, true)
		}
		switch d.Datatype {
		case String, Number, DateTime, Text, SingleValueList, MultiValueList:
			d.validateValues(&faults, path+"values")
		default:
			faults.Add(path+"datatype", fault.Unknown)
		}
	}
	return faults.Err()
}

func (d Attribute) validateValues(faults *fault.Fields, path string) {
	switch {
	case !d.Datatype.list():
		if len(d.Values) > 0 {
			faults.Add(path, fault.NotAllowed)
		}
		return
	case len(d.Values) == 0:
		faults.Add(path, fault.Required)
	case len(d.Values) > maxAttributeValues:
		faults.Add(path, fault.TooMany)
		return
	}
	keys := make(map[string]bool, len(d.Values))
	for i, v := range d.Values {
		at := fmt.Sprintf("%s/%d/", path, i)
		switch {
		case !valueKey.MatchString(v.Key):
			faults.Add(at+"key", fault.WrongFormat)
		case keys[v.Key]:
			faults.Add(at+"key", fault.Duplicate)
		}
		keys[v.Key] = true
		validateNames(faults, at+"names", v.Names, true)
	}
}

// ValidateAttributes checks answers against a category's attributes and returns them as they are kept: a string (trimmed;
// a moment in UTC), a float64, or for several values a []any of strings, just as they come back from JSON. What is null or
// empty counts as not answered and is left out. All faults are told at once, at attributes/<code>.
func ValidateAttributes(defs []Attribute, in map[string]any) (map[string]any, error) {
	var faults fault.Fields
	out := make(map[string]any, len(in))
	known := make(map[string]bool, len(defs))
	for _, d := range defs {
		known[d.Code] = true
		value, reason := d.read(in[d.Code])
		switch {
		case reason != "":
			faults.Add("attributes/"+d.Code, reason)
		case value != nil:
			out[d.Code] = value
		case d.Required:
			faults.Add("attributes/"+d.Code, fault.Required)
		}
	}
	for _, code := range slices.Sorted(maps.Keys(in)) {
		switch {
		case known[code]:
		case attributeCode.MatchString(code):
			faults.Add("attributes/"+code, fault.Unknown)
		default: // not a code at all: nothing to repeat in an answer
			faults.Add("attributes", fault.Unknown)
		}
		if len(faults) > 2*maxAttributes {
			break
		}
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return out, nil
}

// read is the answer as it is kept, nil when there is none, or what is wrong with it.
func (d Attribute) read(in any) (any, fault.Reason) {
	if d.Datatype == MultiValueList {
		return d.readKeys(in)
	}
	if d.Datatype == Number {
		if n, ok := in.(float64); ok {
			return finite(n)
		}
		if n, ok := in.(json.Number); ok {
			in = string(n)
			if f, err := n.Float64(); err == nil {
				return finite(f)
			}
		}
	}
	if in == nil {
		return nil, ""
	}
	s, ok := in.(string)
	if !ok {
		return nil, fault.WrongType
	}
	if s, ok = cleanText(s, d.Datatype == Text); !ok {
		return nil, fault.WrongFormat
	}
	if s == "" {
		return nil, ""
	}
	switch d.Datatype {
	case String:
		return fits(s, maxAttributeString)
	case Text:
		return fits(s, maxAttributeText)
	case Number:
		return readNumber(s)
	case DateTime:
		return readMoment(s)
	case SingleValueList:
		if d.offers(s) {
			return s, ""
		}
		return nil, fault.Unknown
	}
	return nil, fault.WrongType
}

func (d Attribute) offers(key string) bool {
	return slices.ContainsFunc(d.Values, func(v AttributeValue) bool { return v.Key == key })
}

func (d Attribute) readKeys(in any) (any, fault.Reason) {
	var list []any
	switch in := in.(type) {
	case nil:
	case []any:
		list = in
	case []string:
		for _, s := range in {
			list = append(list, s)
		}
	default:
		return nil, fault.WrongType
	}
	if len(list) == 0 {
		return nil, ""
	}
	if len(list) > maxAttributeValues {
		return nil, fault.TooMany
	}
	keys := make([]any, 0, len(list))
	for _, item := range list {
		key, ok := item.(string)
		switch {
		case !ok:
			return nil, fault.WrongType
		case !d.offers(key):
			return nil, fault.Unknown
		case slices.Contains(keys, item):
			return nil, fault.Duplicate
		}
		keys = append(keys, key)
	}
	return keys, ""
}

func fits(s string, characters int) (any, fault.Reason) {
	if utf8.RuneCountInString(s) > characters {
		return nil, fault.TooLong
	}
	return s, ""
}

func finite(n float64) (any, fault.Reason) {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return nil, fault.OutOfRange
	}
	return n, ""
}

// readNumber reads a number that a person typed: with the digits of any of the three languages, and the Arabic decimal
// separator.
func readNumber(s string) (any, fault.Reason) {
	s = strings.Map(func(r rune) rune {
		if d, ok := fold.Digit(r); ok {
			return rune(d)
		}
		if r == '٫' {
			return '.'
		}
		return r
	}, s)
	if !plainNumber.MatchString(s) {
		return nil, fault.WrongFormat
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil, fault.WrongFormat
	}
	return finite(n)
}

func readMoment(s string) (any, fault.Reason) {
	if _, err := time.Parse(time.DateOnly, s); err == nil {
		return s, ""
	}
	moment, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return nil, fault.WrongFormat
	}
	if moment = moment.UTC(); moment.Year() < 0 || moment.Year() > 9999 { // what RFC 3339 cannot write again
		return nil, fault.OutOfRange
	}
	return moment.Format(time.RFC3339Nano), ""
}

// cleanText trims s and gives its line ends one form. It is not ok when s is not UTF-8 or holds control characters
// (among them line ends, unless lines are wanted).
func cleanText(s string, lines bool) (clean string, ok bool) {
	if !utf8.ValidString(s) {
		return "", false
	}
	s = strings.TrimSpace(s)
	if lines && strings.Contains(s, "\r") {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	}
	for _, r := range s {
		if unicode.IsControl(r) && !(lines && (r == '\n' || r == '\t')) {
			return "", false
		}
	}
	return s, true
}
