package surveys

import (
	"time"
)

// More dimensions by which the figures of a round are broken down. Each is what was true when the person was drawn or invited.
const (
	ByRegion    Dimension = "region"
	ByGender    Dimension = "gender"
	ByResidency Dimension = "residency"
	ByCompany   Dimension = "company"    // "yes" or "no"
	ByFirst     Dimension = "first_time" // "yes" or "no": whether the person had never had a report before the window
	ByEmployee  Dimension = "employee"
)

// SnapshotDimensions are those of a Snapshot, in the order in which it is packed.
var SnapshotDimensions = []Dimension{ByCentre, ByRegion, ByDepartment, ByCategory, ByChannel, ByGender, ByResidency, ByCompany,
	ByFirst, ByEmployee}

// Snapshot is what was true of a case and its person at a moment: a later change of the organisation moves no old figure.
type Snapshot struct {
	Centre     string `json:"centre"`
	Region     string `json:"region,omitempty"`
	Department string `json:"department"`
	Category   string `json:"category"`
	Channel    string `json:"channel"`
	Employee   string `json:"employee,omitempty"`
	Gender     string `json:"gender,omitempty"`    // male, female; empty when unknown
	Residency  string `json:"residency,omitempty"` // citizen, resident; empty when unknown
	Company    bool   `json:"company,omitempty"`   // filed for a company or establishment
	First      bool   `json:"first,omitempty"`     // nothing was filed before the window, or before the case
}

// Value of a dimension; empty when it is not known.
func (s *Snapshot) Value(d Dimension) string {
	switch d {
	case ByCentre:
		return s.Centre
	case ByRegion:
		return s.Region
	case ByDepartment:
		return s.Department
	case ByCategory:
		return s.Category
	case ByChannel:
		return s.Channel
	case ByGender:
		return s.Gender
	case ByResidency:
		return s.Residency
	case ByCompany:
		return yesNo(s.Company)
	case ByFirst:
		return yesNo(s.First)
	case ByEmployee:
		return s.Employee
	}
	return ""
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// Case is what the frame of a round knows of a report: who may be asked, and about what. It is kept from facts alone. Reports that
// are anonymous, or that staff filed for themselves, make none.
type Case struct {
	Report  string `json:"report"`
	Citizen string `json:"citizen"`
	Snapshot
	Received time.Time `json:"received"`
	Changed  time.Time `json:"changed"`      // At of the newest fact: an older one changes nothing
	Status   string    `json:"status"`       // of the report
	Due      time.Time `json:"due,omitzero"` // when the report counts as overdue; zero when it cannot, or was asked about already
}

// FramePerson is somebody with at least one case in a window.
type FramePerson struct {
	Citizen  string
	Snapshot // of the newest case in the window that fits the frame; First by all cases ever
}
