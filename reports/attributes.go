package reports

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

// languages in which every name is kept.
var languages = []string{"ar", "en", "ur"}

// ValidateDefinitions tells every fault of a category's attributes at once, at attributes/<index>/….
func ValidateDefinitions(defs []Attribute) error { panic("being written") }

// ValidateAttributes checks answers against a category's attributes and returns them as they are kept.
func ValidateAttributes(defs []Attribute, in map[string]any) (map[string]any, error) {
	panic("being written")
}

// cleanText trims s and gives its line ends one form. It is not ok when s is not UTF-8 or holds control characters
// (among them line ends, unless lines are wanted).
func cleanText(s string, lines bool) (clean string, ok bool) { panic("being written") }
