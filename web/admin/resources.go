package admin

import "net/http"

// sections are the pages in the order of the ways to them; "" is the overview.
var sections = []string{"", "categories", "departments", "centres", "calendar"}

// resources by their names.
var resources = map[string]*resource{}

var weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// described are all resources.
var described = []*resource{
	{
		name: "categories", path: "/v1/admin/categories", keys: []string{"code"}, make: http.MethodPut, change: http.MethodPut,
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
				pick("datatype", "datatype_", "string", "text", "number", "datetime", "singlevaluelist", "multivaluelist"),
				f("required", yes),
				f("order", position),
				f("labels", names),
				may(f("hints", texts)),
				may(rowsOf("values", f("key", code), f("names", names))))),
		},
	},
	{
		name: "departments", path: "/v1/admin/departments", keys: []string{"code"}, make: http.MethodPut, change: http.MethodPut,
		columns: []string{"name", "code", "active"},
		fields:  []field{when("make", f("code", code)), f("names", names), f("active", yes)},
	},
	{
		name: "centres", path: "/v1/admin/centres", keys: []string{"code"}, make: http.MethodPut, change: http.MethodPut,
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
		name: "calendar", path: "/v1/admin/calendar", single: true, change: http.MethodPut,
		fields: []field{
			many(pick("weekend", "weekday_", weekdays...)),
			f("reopen_days", number),
			f("rating_days", number),
			rowsOf("holidays", f("date", day), f("name", text)),
		},
	},
}
