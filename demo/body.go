package demo

import "time"

// What the players read of the answers. The contract has more.

type named struct {
	Code string `json:"code"`
	Name string `json:"name"`
}

type point struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

// place is where something was seen.
type place struct {
	point
	Accuracy float64 `json:"accuracy_m,omitempty"`
	Address  string  `json:"address,omitempty"`
	Source   string  `json:"source"`
}

// newReport is the body of fileReport and deskRegister.
type newReport struct {
	ID           string            `json:"id,omitempty"`
	Category     string            `json:"category"`
	Description  string            `json:"description"`
	Place        place             `json:"place"`
	Attributes   map[string]any    `json:"attributes,omitempty"`
	Photos       []string          `json:"photos,omitempty"`
	Channel      string            `json:"channel"`
	ObservedAt   time.Time         `json:"observed_at,omitzero"`
	Contact      map[string]string `json:"contact,omitempty"`
	Language     string            `json:"language,omitempty"`
	CitizenPhone string            `json:"citizen_phone,omitempty"`
	CitizenName  string            `json:"citizen_name,omitempty"`
}

// report is a report as a citizen or the desk sees it, whole or as a line of a list.
type report struct {
	ID          string  `json:"id"`
	Number      string  `json:"number"`
	Status      string  `json:"status"`
	Category    named   `json:"category"`
	Centre      named   `json:"centre"`
	Department  named   `json:"department"`
	Description string  `json:"description"`
	Place       *place  `json:"place"`
	Channel     string  `json:"channel"`
	Language    string  `json:"language"`
	DuplicateOf string  `json:"duplicate_of"`
	Photos      []photo `json:"photos"`
	Timeline    []entry `json:"timeline"`
	Can         struct {
		Rate   bool `json:"rate"`
		Reopen bool `json:"reopen"`
	} `json:"can"`
	Citizen struct {
		ID string `json:"id"`
	} `json:"citizen"`
}

type reports struct {
	Items []report `json:"items"`
	Next  string   `json:"next"`
}

type photo struct {
	ID           string `json:"id"`
	ThumbnailURL string `json:"thumbnail_url"`
}

type entry struct {
	Kind string `json:"kind"`
	To   string `json:"to"`
	Text string `json:"text"`
}

// was reports whether the report has been moved to a status.
func (r *report) was(status string) bool {
	for _, e := range r.Timeline {
		if e.Kind != "received" && e.To == status {
			return true
		}
	}
	return false
}

// said reports whether staff wrote one of the texts.
func (r *report) said(texts Texts) bool {
	for _, e := range r.Timeline {
		for _, t := range texts {
			if e.Kind == "reply" && e.Text == t {
				return true
			}
		}
	}
	return false
}

// message is one of the inbox.
type message struct {
	ID             string    `json:"id"`
	NotificationID string    `json:"notification_id"`
	Kind           string    `json:"kind"`
	ReportID       string    `json:"report_id"`
	At             time.Time `json:"at"`
	DeliveredAt    time.Time `json:"delivered_at"`
	ReadAt         time.Time `json:"read_at"`
}

// colleague is a member of staff.
type colleague struct {
	ID          string   `json:"id"`
	Email       string   `json:"email"`
	Name        string   `json:"name"`
	Role        string   `json:"role"`
	Centres     []string `json:"centres"`
	Departments []string `json:"departments"`
}
