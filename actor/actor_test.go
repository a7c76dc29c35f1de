package actor

import "testing"

func TestActor_Sees(t *testing.T) {
	t.Parallel()
	staff := func(centres, departments []string) Actor {
		return Actor{Kind: Staff, Role: Officer, Centres: centres, Departments: departments}
	}
	for _, c := range []struct {
		name string
		a    Actor
		want bool
	}{
		{"of both", staff([]string{"riyadh"}, []string{"sound"}), true},
		{"of all", staff([]string{All}, []string{All}), true},
		{"of another centre", staff([]string{"qassim"}, []string{All}), false},
		{"of another department", staff([]string{All}, []string{"maintenance"}), false},
		{"of nothing", staff(nil, nil), false},
		{"no centre", staff(nil, []string{All}), false},
		{"a citizen", Actor{Kind: Citizen, Centres: []string{All}, Departments: []string{All}}, false},
		{"nobody", Actor{}, false},
		{"the system", Actor{Kind: System}, true},
	} {
		if got := c.a.Sees("riyadh", "sound"); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestActor_Is(t *testing.T) {
	t.Parallel()
	if !(Actor{Kind: Staff, Role: Admin}).Is(Manager, Admin) || (Actor{Kind: Staff, Role: Clerk}).Is(Manager, Admin) || (Actor{Kind: Citizen, Role: Admin}).Is(Admin) {
		t.Error("a role is one of staff")
	}
}
