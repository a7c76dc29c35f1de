package reports

// Category is one kind of report: what is asked of the reporter, who handles it and how fast.
type Category struct {
	Code            string            `json:"code"`
	Rev             int64             `json:"rev"`
	Names           map[string]string `json:"names"` // by language
	Group           string            `json:"group,omitempty"`
	Keywords        []string          `json:"keywords,omitempty"`
	Description     map[string]string `json:"description,omitempty"` // by language
	Attributes      []Attribute       `json:"attributes,omitempty"`
	Department      string            `json:"department"`
	FirstAnswerDays int               `json:"first_answer_days"` // working days; 0 for no deadline
	ResolutionDays  int               `json:"resolution_days"`   // working days; 0 for no deadline
	Anonymous       bool              `json:"anonymous"`         // taken from people without an account
	PlaceOptional   bool              `json:"place_optional,omitempty"`
	Active          bool              `json:"active"`
}
