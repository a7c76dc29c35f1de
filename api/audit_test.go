package api

import (
	"slices"
	"strings"
	"testing"

	"github.com/balagh/balagh/openapi"
)

// TestOperations_Audit: whatever changes something under /v1/admin is written down, and for what can be put back it is known where to
// read it.
func TestOperations_Audit(t *testing.T) {
	t.Parallel()
	doc, err := openapi.Load()
	if err != nil {
		t.Fatal(err)
	}
	ops, err := operations(doc)
	if err != nil {
		t.Fatal(err)
	}
	silent := []string{"previewTemplate", "countAudience", "revertAudit"}
	bare := []string{"enrolTotp", "confirmTotp", "changePassword"}
	resources := map[string]string{
		"adminPutCategory": "/v1/admin/categories/:code", "putXlsform": "/v1/admin/questionnaires/:code", "putCalendar": "/v1/admin/calendar",
		"updateStaff": "/v1/admin/staff/:id", "createStaff": "", "startRound": "", "closeRound": "/v1/admin/rounds/:id", "retryDeadLetters": "",
		"retryDeadLetter": "", "pauseBroadcast": "/v1/admin/broadcasts/:id", "putTemplate": "/v1/admin/templates/:kind/:channel",
	}
	for _, op := range ops {
		changes := op.method != "GET" && strings.HasPrefix(op.path, "/v1/admin/")
		if want := changes && !slices.Contains(silent, op.id) || slices.Contains(bare, op.id); op.audited != want || op.bare != slices.Contains(bare, op.id) {
			t.Errorf("%s: audited %v, bare %v", op.id, op.audited, op.bare)
		}
		if want, named := resources[op.id]; named && op.resourceOf(op.path) != want {
			t.Errorf("%s: its resource is %q, want %q", op.id, op.resourceOf(op.path), want)
		}
		if (op.method == "PUT" || op.method == "PATCH") && op.audited && (op.resource == 0 || !op.tagged || !op.takes("If-Match")) {
			t.Errorf("%s: what it changes cannot be put back safely: it needs a GET, an ETag and If-Match", op.id)
		}
	}
}
