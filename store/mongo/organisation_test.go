package mongo

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/reports"
)

func TestOrganisation(t *testing.T) {
	t.Parallel()
	db, ctx := fresh(t), t.Context()
	stores := []*DB{db, again(t, db)}
	o, err := db.Organisation(ctx)
	fails(t, err)
	if rev, err := db.OrganisationRev(ctx); err != nil || rev != 0 || o.Rev != 0 || len(o.Departments) != 0 {
		t.Fatalf("a new store has rev %d, %v, and %+v", rev, err, o)
	}
	refused := fault.New(fault.PreconditionFailed)
	if _, err := db.UpdateOrganisation(ctx, func(*reports.Organisation) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("a refusal became %v", err)
	}
	absent := fault.New(fault.NotFound)
	if _, err := db.UpdateOrganisation(ctx, func(*reports.Organisation) error { return absent }); !errors.Is(err, absent) {
		t.Errorf("a refusal became %v", err)
	}
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			_, err := stores[i%2].UpdateOrganisation(ctx, func(o *reports.Organisation) error {
				if o.Departments == nil {
					o.Departments = map[string]reports.Department{}
				}
				o.Departments[fmt.Sprint(i)] = reports.Department{Code: fmt.Sprint(i), Rev: 1}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	rev, err := db.OrganisationRev(ctx)
	fails(t, err)
	if o, err = db.Organisation(ctx); err != nil || len(o.Departments) != 20 || rev != 20 || o.Rev != 20 {
		t.Errorf("20 changes at once left %d departments, rev %d and %d, %v", len(o.Departments), rev, o.Rev, err)
	}
}

// Who changes the organisation and who reads it have the same catalogue, to the letter.
func TestDB_UpdateOrganisation_answersWhatIsRead(t *testing.T) {
	t.Parallel()
	db, ctx := fresh(t), t.Context()
	area := `{"type":"Polygon","coordinates":[[[46.0,24.50],[4.7e1,24.5],[46.70000000000001,25],[46,24.5]]]}`
	written, err := db.UpdateOrganisation(ctx, func(o *reports.Organisation) error {
		o.Centres = map[string]reports.Centre{"SA-01.$x": {Code: "SA-01.$x", Names: map[string]string{"ar": "الرياض"}, Area: []byte(area)}}
		return nil
	})
	fails(t, err)
	read, err := db.Organisation(ctx)
	fails(t, err)
	if !reflect.DeepEqual(written, read) {
		t.Errorf("written %+v, read %+v", written, read)
	}
	was, err := reports.ParseArea([]byte(area))
	fails(t, err)
	is, err := reports.ParseArea(read.Centres["SA-01.$x"].Area)
	fails(t, err)
	if !reflect.DeepEqual(was, is) {
		t.Errorf("the area came back as %s", read.Centres["SA-01.$x"].Area)
	}
}
