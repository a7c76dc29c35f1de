package teststore

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
)

// Newer makes the store at an address, which has been opened before, look as if a newer version of the program had written it.
func Newer(t testing.TB, uri string) {
	t.Helper()
	if path, ok := strings.CutPrefix(uri, "sqlite:"); ok {
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.ExecContext(t.Context(), `UPDATE schema SET version = 1000`); err != nil {
			t.Fatal(err)
		}
		return
	}
	schema := database(uri).Collection("schema")
	if _, err := schema.UpdateMany(t.Context(), bson.D{}, bson.D{{Key: "$set", Value: bson.D{{Key: "version", Value: 1000}}}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // before the next test has the database
		if _, err := schema.DeleteMany(context.Background(), bson.D{}); err != nil {
			t.Error(err)
		}
	})
}

// Harm breaks the store at an address, which nobody has open: a page of the file, or an index is gone.
func Harm(t testing.TB, uri string) {
	t.Helper()
	if path, ok := strings.CutPrefix(uri, "sqlite:"); ok {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteAt([]byte("damage"), 2*4096)
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		return
	}
	db := database(uri)
	all, err := db.ListCollectionNames(t.Context(), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		indexes, err := db.Collection(name).Indexes().ListSpecifications(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range indexes {
			if x.Name == "_id_" {
				continue
			}
			if err := db.Collection(name).Indexes().DropOne(t.Context(), x.Name); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatal("no index is there to be dropped")
}

// database is the one at an address that URI gave.
func database(uri string) *driver.Database {
	address, _, _ := strings.Cut(uri, "?")
	return databases.client.Database(address[strings.LastIndex(address, "/")+1:])
}
