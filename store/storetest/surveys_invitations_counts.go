package storetest

import (
	"reflect"
	"testing"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/surveys"
)

func invitationCounts(t *testing.T, s RoundsStore) {
	addInvitations(t, s, anInvitation(1), anInvitation(2), anInvitation(3, inState(surveys.InvitationComplete)),
		anInvitation(4, ofRound(2)), anInvitation(5, ofRound(0)))
	for round, want := range map[int]map[surveys.InvitationState]int{1: {"drawn": 2, "complete": 1}, 2: {"drawn": 1}, 3: {}} {
		if got, err := s.CountInvitations(t.Context(), roundsID('r', round)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("of %d: %v, %v; want %v", round, got, err, want)
		}
	}
	must(t, s.UpdateInvitations(t.Context(), []string{roundsID('i', 1)}, func(i *surveys.Invitation) ([]event.Event, error) {
		i.State = surveys.InvitationRefused
		return nil, nil
	}))
	if got, err := s.CountInvitations(t.Context(), roundsID('r', 1)); err != nil ||
		!reflect.DeepEqual(got, map[surveys.InvitationState]int{"drawn": 1, "complete": 1, "refused": 1}) {
		t.Errorf("after a change %v, %v", got, err)
	}
}
