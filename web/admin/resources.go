package admin

import "net/http"

// sections are the pages in the order of the ways to them; "" is the overview.
var sections = []string{"", "categories", "departments", "centres", "calendar", "staff", "templates", "policies", "replies", "broadcasts", "dead-letters", "questionnaires", "programmes", "keys", "audit"}

// resources by their names.
var resources = map[string]*resource{}

const put, patch, post = http.MethodPut, http.MethodPatch, http.MethodPost

// What the contract names, in the order in which it is shown.
var (
	weekdays   = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
	datatypes  = []string{"string", "text", "number", "datetime", "singlevaluelist", "multivaluelist"}
	roles      = []string{"clerk", "officer", "supervisor", "manager", "admin"}
	steps      = []string{"push", "sms", "email"}
	channels   = []string{"app", "web", "phone", "email", "telegram", "visit"}
	dimensions = []string{"centre", "region", "department", "category", "channel", "gender", "residency", "company", "first_time", "employee"}
	answers    = []string{"rating", "effort", "nps", "yes_no", "choice", "choices", "number", "date", "text", "ranking", "matrix"}
	points     = []string{"closed", "overdue", "rejected", "withdrawn"}
)

// is says whether a field has one of some values.
func is(name string, values ...string) func(map[string]any) bool {
	return func(value map[string]any) bool {
		for _, x := range values {
			if value[name] == x {
				return true
			}
		}
		return false
	}
}

// described are all resources.
var described = []*resource{
	{
		name: "categories", path: "/v1/admin/categories", keys: []string{"code"}, make: put, change: put,
		columns: []string{"name", "code", "department", "first_answer_days", "resolution_days", "attributes", "active"},
		fields: []field{
			when("make", f("code", code)),
			f("names", names),
			codeOf("department", "departments"),
			f("first_answer_days", number),
			f("resolution_days", number),
			f("anonymous", yes),
			f("active", yes),
			may(f("group", code)),
			may(f("order", number)),
			may(f("keywords", lines)),
			may(f("descriptions", texts)),
			may(rowsOf("attributes",
				f("code", code),
				pick("datatype", "datatype_", datatypes...),
				f("required", yes),
				f("order", position),
				f("labels", names),
				may(f("hints", texts)),
				may(rowsOf("values", f("key", code), f("names", names))))),
		},
	},
	{
		name: "departments", path: "/v1/admin/departments", keys: []string{"code"}, make: put, change: put,
		columns: []string{"name", "code", "active"},
		fields:  []field{when("make", f("code", code)), f("names", names), f("active", yes)},
	},
	{
		name: "centres", path: "/v1/admin/centres", keys: []string{"code"}, make: put, change: put,
		columns: []string{"name", "code", "region", "parent", "active"},
		fields: []field{
			when("make", f("code", code)),
			f("names", names),
			may(f("region", code)),
			may(codeOf("parent", "centres")),
			f("active", yes),
			may(f("area", area)),
		},
	},
	{
		name: "calendar", path: "/v1/admin/calendar", single: true, change: put,
		fields: []field{
			many(pick("weekend", "weekday_", weekdays...)),
			f("reopen_days", number),
			f("rating_days", number),
			rowsOf("holidays", f("date", day), f("name", text)),
		},
	},
	{
		name: "staff", path: "/v1/admin/staff", paged: true, keys: []string{"id"}, make: post, change: patch,
		columns: []string{"name", "email", "role", "centres", "departments", "totp", "active"},
		fields: []field{
			f("name", text),
			when("make", f("email", code)),
			pick("role", "role_", roles...),
			when("make", may(pick("language", "lang_", "ar", "en", "ur"))),
			when("change", f("active", yes)),
			when("make", f("password", secret)),
			when("change", may(f("password", secret))),
			when("change", f("reset_totp", yes)),
			orAll(many(codeOf("centres", "centres"))),
			orAll(many(codeOf("departments", "departments"))),
			shown(f("totp", yes)),
		},
	},
	{
		name: "templates", path: "/v1/admin/templates", keys: []string{"kind", "channel"}, change: put, versions: true,
		columns: []string{"name", "version", "by", "at"},
		fields:  []field{f("texts", messages), shown(f("by", named))},
		aside:   previews,
	},
	{
		name: "policies", path: "/v1/admin/policies", keys: []string{"kind"}, change: put,
		columns: []string{"name", "steps", "urgent", "by", "at"},
		fields: []field{
			rowsOf("steps", pick("channel", "via_", steps...), f("wait_seconds", number)),
			f("ttl_seconds", number),
			f("urgent", yes),
			f("replaces", yes),
			shown(f("by", named)),
		},
	},
	{
		name: "replies", path: "/v1/admin/replies", keys: []string{"code"}, make: put, change: put,
		columns: []string{"name", "code", "categories", "order"},
		fields: []field{
			when("make", f("code", code)),
			f("names", names),
			f("texts", texts),
			may(many(codeOf("categories", "categories"))),
			may(f("order", number)),
		},
		actions: []action{{name: "delete", method: http.MethodDelete, danger: true}},
	},
	{
		name: "keys", path: "/v1/admin/keys", pageless: true, keys: []string{"id"},
		columns: []string{"id", "created_at", "signs_from", "signs_until"},
		all:     "rotate",
	},
	{
		name: "broadcasts", path: "/v1/admin/broadcasts", paged: true, keys: []string{"id"}, in: "broadcast", make: post,
		columns: []string{"name", "state", "at", "people", "planned", "by"},
		fields: []field{
			shown(pick("state", "state_")),
			groupOf("audience", may(codeOf("centre", "centres")), may(codeOf("category", "categories")), f("all", yes)),
			f("texts", messages),
			may(f("at", moment)),
			f("urgent", yes),
			f("topic", yes),
			shown(f("by", named)),
			shown(f("created_at", moment)),
			shown(f("started_at", moment)),
			shown(f("ended_at", moment)),
		},
		actions: []action{{name: "pause", when: is("state", "running", "done")}, {name: "resume", when: is("state", "paused")},
			{name: "stop", danger: true, when: is("state", "scheduled", "running", "paused", "done")}},
		aside: progress,
	},
	{
		name: "dead-letters", path: "/v1/admin/dead-letters", paged: true, pageless: true, keys: []string{"message_id", "id"},
		columns: []string{"changed_at", "channel", "state", "reason", "kind", "report_number", "centre", "attempts"},
		filters: []field{codeOf("centre", "centres"), pick("channel", "via_", "push", "web", "sms", "email"), f("reason", code)},
		fields: []field{pick("channel", "via_"), pick("state", "state_"), pick("kind", "msg_"), codeOf("centre", "centres"), pick("reason", "reason_"),
			f("report_number", code)},
		actions: []action{{name: "retry"}}, all: "retry",
	},
	{
		name: "audit", path: "/v1/admin/audit", paged: true, heading: "operation", keys: []string{"id"},
		columns: []string{"at", "staff", "operation", "path", "outcome"},
		filters: []field{codeOf("staff", "staff"),
			pick("path", "", "/v1/admin/categories", "/v1/admin/departments", "/v1/admin/centres", "/v1/admin/calendar", "/v1/admin/staff", "/v1/admin/templates", "/v1/admin/policies",
				"/v1/admin/replies", "/v1/admin/keys", "/v1/admin/broadcasts", "/v1/admin/questionnaires", "/v1/admin/programmes"),
			f("from", day), f("to", day)},
		fields: []field{shown(f("at", moment)), shown(f("staff", named)), shown(pick("operation", "op_")), shown(f("path", text)), shown(pick("outcome", "outcome_")),
			shown(pick("code", "code_")), shown(f("reverts", code)), shown(f("request", code))},
		actions: []action{{name: "revert", danger: true, when: func(value map[string]any) bool { return value["reversible"] == true }}},
		aside:   compared,
	},
}
