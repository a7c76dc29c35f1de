package mongo

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/surveys"
)

// BenchmarkDB_People reads a frame of a hundred thousand people with 125,000 cases.
func BenchmarkDB_People(b *testing.B) {
	const people, cases, each = 100_000, 125_000, 2_000
	db := fresh(b)
	from := moment(1_700_000_000_000)
	for first := 0; first < cases; first += each {
		docs := make([]any, each)
		for n := range docs {
			i := first + n
			c := surveys.Case{Citizen: uuid.NewSHA1(uuid.Nil, fmt.Append(nil, i%people)).String(), Report: uuid.NewString(), Received: from, Changed: from, Status: "closed"}
			c.Snapshot = surveys.Snapshot{Centre: fmt.Sprint("SA-", i%20), Region: fmt.Sprint("SA-", i%13), Department: fmt.Sprint("department-", i%30),
				Category: fmt.Sprint("category-", i%10), Channel: []string{"app", "web", "phone"}[i%3], Gender: []string{"male", "female"}[i/2%2],
				Residency: "citizen", Employee: fmt.Sprintf("01936f0e-3333-7c3e-9d0e-%012d", i%600)}
			d, err := caseDocument(c)
			if err != nil {
				b.Fatal(err)
			}
			docs[n] = d
		}
		if _, err := db.in("cases").InsertMany(b.Context(), docs, options.InsertMany().SetOrdered(false)); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		n := 0
		if err := db.People(b.Context(), surveys.Frame{}, moment(1), moment(1e15), func(*surveys.FramePerson) error { n++; return nil }); err != nil || n != people {
			b.Fatal(n, err)
		}
	}
}
