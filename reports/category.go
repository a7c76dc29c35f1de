package reports

// Category is one kind of report: what is asked of the reporter, who handles it and how fast.
type Category struct {
	Code            string            `json:"code"`
	Rev             int64             `json:"rev"`
	Names           map[string]string `json:"names"` // by language
	Group           string            `json:"group,omitempty"`
	Keywords        []string          `json:"keywords,omitempty"`
	Descriptions    map[string]string `json:"descriptions,omitempty"` // by language
	Attributes      []Attribute       `json:"attributes,omitempty"`
	Department      string            `json:"department"`
	FirstAnswerDays int               `json:"first_answer_days"` // working days
	ResolutionDays  int               `json:"resolution_days"`   // working days
	Anonymous       bool              `json:"anonymous"`         // taken from people without an account
	Order           int               `json:"order,omitempty"`   // in lists; those of the same order by code
	Active          bool              `json:"active"`
}
