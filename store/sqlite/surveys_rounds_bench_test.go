package sqlite

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/balagh/balagh/surveys"
)

// benchCases writes a case of each of n people, and a second one of every fourth, to db. What differs from one to the next is put into a
// packed case, which is quicker than packing each.
func benchCases(b *testing.B, db *DB, n int) {
	b.Helper()
	from := moment(1_700_000_000_000)
	citizen, report, at := uuid.UUID{15: 1}, uuid.UUID{15: 2}, millis(from)
	ready := make([][]byte, 600)
	for i := range ready {
		c := surveys.Case{Citizen: citizen.String(), Report: report.String(), Received: from}
		c.Snapshot = surveys.Snapshot{Centre: fmt.Sprint("SA-", i%20), Region: fmt.Sprint("SA-", i%13), Department: fmt.Sprint("department-", i%30),
			Category: fmt.Sprint("category-", i%10), Channel: []string{"app", "web", "phone"}[i%3], Gender: []string{"male", "female"}[i/2%2],
			Residency: "citizen", Employee: fmt.Sprintf("01936f0e-3333-7c3e-9d0e-%012d", i)}
		ready[i] = packCase(&c)
	}
	place := func(v []byte) int { return bytes.Index(ready[0], v) }
	ofCitizen, ofReport, ofTime := place(citizen[:]), place(report[:]), place(binary.BigEndian.AppendUint64(nil, uint64(at)))
	const each = 5_000
	for first := 0; first < n; first += each {
		err := db.write(b.Context(), func(t *tx) error {
			for i := first; i < min(n, first+each); i++ {
				for m := range 1 + (i%4)/3 {
					binary.BigEndian.PutUint64(citizen[:], uint64(i))
					binary.BigEndian.PutUint64(report[:], uint64(2*i+m))
					packed := bytes.Clone(ready[i%len(ready)])
					copy(packed[ofCitizen:], citizen[:])
					copy(packed[ofReport:], report[:])
					binary.BigEndian.PutUint64(packed[ofTime:], uint64(at+int64(i)))
					_, err := t.exec(`INSERT INTO cases(citizen, report, packed, changed, status, due) VALUES(?,?,?,?,'closed',NULL)`, citizen[:],
						report[:], packed, at)
					if err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDB_People reads a frame of a million people.
func BenchmarkDB_People(b *testing.B) {
	const people = 1_000_000
	db := fresh(b)
	benchCases(b, db, people)
	cpu(b)
	for b.Loop() {
		n := 0
		if err := db.People(b.Context(), surveys.Frame{}, moment(1), moment(1e15), func(*surveys.FramePerson) error { n++; return nil }); err != nil || n != people {
			b.Fatal(n, err)
		}
	}
}

// BenchmarkDB_ScanResponses reads a hundred thousand responses to twenty questions.
func BenchmarkDB_ScanResponses(b *testing.B) {
	const responses = 100_000
	db := fresh(b)
	row := []byte("1riyadh\x1friyadh\x1fcentral\x1fcare\x1fsound\x1fapp\x1ffemale\x1fcitizen\x1fno\x1fyes\x1f\x1f1\x1fapp\x1far\x1f5\x1f4\x1f9\x1fy\x1fslow,far\x1f3\x1f4\x1f4\x1f5\x1f2\x1f-\x1f-\x1ft\x1f12\x1f1,2,3,4\x1fn\x1fy\x1f?\x1f7\x1f5")
	for first := 0; first < responses; first += 10_000 {
		if err := db.write(b.Context(), func(t *tx) error {
			for i := first; i < first+10_000; i++ {
				if _, err := t.exec(`INSERT INTO response_rows(place, at, id, row) VALUES(?,0,?,?)`, key(citizenID(1)), key(surveys.ResponseID(citizenID(i))), row); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	cpu(b)
	for b.Loop() {
		n := 0
		if err := db.ScanResponses(b.Context(), citizenID(1), func([]byte) error { n++; return nil }); err != nil || n != responses {
			b.Fatal(n, err)
		}
	}
}
