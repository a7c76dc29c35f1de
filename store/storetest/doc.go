// Package storetest is the one suite that every store must pass. A store's own tests open a fresh store and hand it over:
// what the suite asks is the contract, and it knows neither SQL nor MongoDB.
package storetest

import (
	"testing"

	"github.com/balagh/balagh/fault"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func isNotFound(err error) bool { return fault.CodeOf(err) == fault.NotFound }

// MongoDB names the environment variable with the address of a MongoDB-compatible server for tests, such as tools/documentdb starts.
const MongoDB = "BALAGH_TEST_MONGODB"

// WithoutMongoDB is what a test run without one says.
const WithoutMongoDB = "the MongoDB half is left out; to have it: export " + MongoDB + "=$(tools/documentdb up)"

// Store names the environment variable that says on which store the tests of the other packages run: mongodb, on the server that
// MongoDB names, or SQLite when it is not set.
const Store = "BALAGH_TEST_STORE"
