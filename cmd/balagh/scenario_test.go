//go:build !race

package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/balagh/balagh/store/teststore"
)

// TestDemo_Scenario loads a hundredth of each account and reads its figures back; a second load is refused.
func TestDemo_Scenario(t *testing.T) {
	t.Parallel()
	for name, figures := range map[string][]string{
		"1933":      {"calls and electronic reports", "mosque_staff", "precautionary", "calls taken by staff from their homes"},
		"reception": {"by men", "by residents", "by companies", "appointments with the minister", "94.0 % =", "88.0 % ="},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &demoCommand{Address: "127.0.0.1:0", Scenario: name, Store: teststore.URI(t), beside: t.TempDir(), Exit: true, factor: 100}
			var out bytes.Buffer
			if err := c.Run(t.Context(), stdio{&out, &out}); err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
			for _, want := range append(figures, " = ", "Loaded in") {
				if !strings.Contains(out.String(), want) {
					t.Errorf("%q is missing in\n%s", want, out.String())
				}
			}
			if strings.Contains(out.String(), "≠") {
				t.Errorf("figures differ:\n%s", out.String())
			}
			if err := c.Run(t.Context(), stdio{&out, &out}); err == nil || !strings.Contains(err.Error(), "--store") {
				t.Errorf("loaded twice: %v", err)
			}
		})
	}
	var out bytes.Buffer
	if err := (&demoCommand{Scenario: "1934"}).Run(t.Context(), stdio{&out, &out}); err == nil || !strings.Contains(err.Error(), "reception") {
		t.Errorf("an account that there is not: %v", err)
	}
}
