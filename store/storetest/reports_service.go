package storetest

import (
	"testing"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/reports"
)

func moved(to reports.Status) func(*reports.Report) ([]event.Event, error) {
	return func(r *reports.Report) ([]event.Event, error) {
		r.Status = to
		return nil, nil
	}
}

func testReportsService(t *testing.T, open func(t *testing.T) ReportsStore) {}
