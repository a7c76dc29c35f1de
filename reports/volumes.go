package reports

// Dimension is what volumes are counted by.
type Dimension string

// The dimensions. Days and months are cut in the service's time zone.
const (
	ByCategory Dimension = "category"
	ByCentre   Dimension = "centre"
	ByChannel  Dimension = "channel"
	ByStatus   Dimension = "status"
	ByDay      Dimension = "day"
	ByMonth    Dimension = "month"
)
