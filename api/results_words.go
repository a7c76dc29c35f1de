package api

// words are the headers and names that files of figures have in the caller's language. What is not here is a code that stands
// for itself.
var words = map[string]map[string]string{
	// sheets
	"results":    {"ar": "النتائج", "en": "Results", "ur": "نتائج"},
	"breakdowns": {"ar": "التفصيل", "en": "Breakdowns", "ur": "تفصیل"},
	"comparison": {"ar": "المقارنة", "en": "Comparison", "ur": "موازنہ"},
	"methods":    {"ar": "المنهجية", "en": "Methods", "ur": "طریقہ کار"},
	"ratings":    {"ar": "التقييمات", "en": "Ratings", "ur": "درجہ بندی"},
	// columns
	"round":             {"ar": "الجولة", "en": "Round", "ur": "دور"},
	"programme":         {"ar": "البرنامج", "en": "Programme", "ur": "پروگرام"},
	"question":          {"ar": "رمز السؤال", "en": "Question", "ur": "سوال کا کوڈ"},
	"row":               {"ar": "الصف", "en": "Row", "ur": "سطر"},
	"label":             {"ar": "نص السؤال", "en": "Wording", "ur": "سوال کا متن"},
	"type":              {"ar": "النوع", "en": "Type", "ur": "قسم"},
	"dimension":         {"ar": "البُعد", "en": "Dimension", "ur": "پہلو"},
	"key":               {"ar": "الرمز", "en": "Code", "ur": "کوڈ"},
	"subkey":            {"ar": "الرمز الفرعي", "en": "Second code", "ur": "ذیلی کوڈ"},
	"name":              {"ar": "الاسم", "en": "Name", "ur": "نام"},
	"section":           {"ar": "القسم", "en": "Section", "ur": "حصہ"},
	"figure":            {"ar": "المؤشر", "en": "Figure", "ur": "اشاریہ"},
	"option":            {"ar": "رمز الخيار", "en": "Option", "ur": "انتخاب کا کوڈ"},
	"option_label":      {"ar": "الخيار", "en": "Option’s name", "ur": "انتخاب"},
	"asked":             {"ar": "عُرض عليهم", "en": "Asked", "ur": "جن سے پوچھا گیا"},
	"answered":          {"ar": "أجابوا", "en": "Answered", "ur": "جواب دینے والے"},
	"dont_know":         {"ar": "لا أعلم", "en": "Don’t know", "ur": "معلوم نہیں"},
	"not_asked":         {"ar": "لم يُعرض", "en": "Not asked", "ur": "پوچھا نہیں گیا"},
	"skipped":           {"ar": "تجاوزوا", "en": "Skipped", "ur": "چھوڑ دیا"},
	"count":             {"ar": "العدد", "en": "Count", "ur": "تعداد"},
	"n":                 {"ar": "المقام (ن)", "en": "n", "ur": "مجموعہ (n)"},
	"value":             {"ar": "القيمة", "en": "Value", "ur": "قدر"},
	"low":               {"ar": "الحد الأدنى", "en": "Low", "ur": "زیریں حد"},
	"high":              {"ar": "الحد الأعلى", "en": "High", "ur": "بالائی حد"},
	"level":             {"ar": "مستوى الثقة", "en": "Confidence", "ur": "اعتماد کی سطح"},
	"method":            {"ar": "طريقة المجال", "en": "Interval", "ur": "وقفے کا طریقہ"},
	"weighted":          {"ar": "القيمة الموزونة", "en": "Weighted", "ur": "وزنی قدر"},
	"weighted_low":      {"ar": "الحد الأدنى الموزون", "en": "Weighted low", "ur": "وزنی زیریں حد"},
	"weighted_high":     {"ar": "الحد الأعلى الموزون", "en": "Weighted high", "ur": "وزنی بالائی حد"},
	"deff":              {"ar": "أثر التصميم", "en": "Design effect", "ur": "ڈیزائن کا اثر"},
	"n_eff":             {"ar": "الحجم الفعّال", "en": "Effective n", "ur": "مؤثر n"},
	"suppressed":        {"ar": "محجوب", "en": "Suppressed", "ur": "پوشیدہ"},
	"break":             {"ar": "سبب عدم المقارنة", "en": "Not compared because", "ur": "موازنہ نہ ہونے کی وجہ"},
	"now":               {"ar": "هذه الجولة", "en": "This round", "ur": "یہ دور"},
	"then":              {"ar": "الجولة السابقة", "en": "Earlier round", "ur": "پچھلا دور"},
	"difference":        {"ar": "الفرق", "en": "Difference", "ur": "فرق"},
	"z":                 {"ar": "z", "en": "z", "ur": "z"},
	"p":                 {"ar": "القيمة الاحتمالية", "en": "p", "ur": "p قدر"},
	"compared_round":    {"ar": "الجولة المقارَن بها", "en": "Compared with round", "ur": "جس دور سے موازنہ ہے"},
	"very_dissatisfied": {"ar": "غير راضٍ إطلاقًا", "en": "Very dissatisfied", "ur": "بالکل مطمئن نہیں"},
	"dissatisfied":      {"ar": "غير راضٍ", "en": "Dissatisfied", "ur": "غیر مطمئن"},
	"neutral":           {"ar": "محايد", "en": "Neutral", "ur": "غیر جانبدار"},
	"satisfied":         {"ar": "راضٍ", "en": "Satisfied", "ur": "مطمئن"},
	"very_satisfied":    {"ar": "راضٍ جدًا", "en": "Very satisfied", "ur": "بہت مطمئن"},
	"eligible":          {"ar": "كان يمكن تقييمها", "en": "Could be rated", "ur": "جن کی درجہ بندی ہو سکتی تھی"},
	"response_rate":     {"ar": "نسبة التقييم", "en": "Response rate", "ur": "شرحِ جواب"},
	"top2":              {"ar": "نسبة الرضا", "en": "Percent satisfied", "ur": "مطمئن افراد کا تناسب"},
	"mean100":           {"ar": "المتوسط من 100", "en": "Mean of 100", "ur": "اوسط (100 میں سے)"},
	"net":               {"ar": "صافي الرضا", "en": "Net satisfaction", "ur": "خالص اطمینان"},
	"flagged":           {"ar": "تقييمات كثيرة من جهاز واحد", "en": "Many from one device", "ur": "ایک آلے سے بہت سی"},
	"before_top2":       {"ar": "نسبة الرضا في الفترة السابقة", "en": "Percent satisfied before", "ur": "پچھلی مدت میں مطمئن"},
	"before_n":          {"ar": "العدد في الفترة السابقة", "en": "n before", "ur": "پچھلی مدت میں n"},
	"difference_low":    {"ar": "الحد الأدنى للفرق", "en": "Difference, low", "ur": "فرق کی زیریں حد"},
	"difference_high":   {"ar": "الحد الأعلى للفرق", "en": "Difference, high", "ur": "فرق کی بالائی حد"},
	"formula":           {"ar": "المعادلة", "en": "Formula", "ur": "فارمولا"},
	"version":           {"ar": "إصدار المعادلة", "en": "Version", "ur": "ورژن"},
	"from":              {"ar": "من", "en": "From", "ur": "از"},
	"to":                {"ar": "إلى", "en": "To", "ur": "تا"},
	"invited":           {"ar": "المدعوون", "en": "Invited", "ur": "مدعو افراد"},
	"rr1":               {"ar": "معدل الاستجابة (RR1)", "en": "Response rate (RR1)", "ur": "شرحِ جواب (RR1)"},
	// dimensions
	"centre":     {"ar": "المركز", "en": "Centre", "ur": "مرکز"},
	"region":     {"ar": "المنطقة", "en": "Region", "ur": "علاقہ"},
	"department": {"ar": "الإدارة", "en": "Department", "ur": "شعبہ"},
	"category":   {"ar": "التصنيف", "en": "Category", "ur": "زمرہ"},
	"channel":    {"ar": "قناة التقديم", "en": "Channel", "ur": "ذریعہ"},
	"gender":     {"ar": "الجنس", "en": "Gender", "ur": "جنس"},
	"residency":  {"ar": "مواطن أو مقيم", "en": "Citizen or resident", "ur": "شہری یا مقیم"},
	"company":    {"ar": "لمنشأة", "en": "For a company", "ur": "ادارے کے لیے"},
	"first_time": {"ar": "أول مرة", "en": "First time", "ur": "پہلی بار"},
	"employee":   {"ar": "الموظف", "en": "Employee", "ur": "ملازم"},
	"how":        {"ar": "طريقة الإجابة", "en": "How it was answered", "ur": "جواب کا طریقہ"},
	"language":   {"ar": "لغة الاستبيان", "en": "Language", "ur": "زبان"},
	"complete":   {"ar": "إجابة مكتملة", "en": "Complete", "ur": "مکمل جواب"},
	"weight":     {"ar": "الوزن", "en": "Weight", "ur": "وزن"},
	// notes that belong to the figures
	"preliminary": {"ar": "الجولة لم تنتهِ، والأرقام قد تتغير.", "en": "The round is not over; the figures may still move.",
		"ur": "دور ابھی ختم نہیں ہوا؛ اعداد بدل سکتے ہیں۔"},
	"partial_counted": {"ar": "تُحسب الإجابات الجزئية في الأسئلة التي أُجيب عنها فقط.",
		"en": "Partial responses count in the questions that they answer, and in no other.",
		"ur": "جزوی جوابات صرف انہی سوالات میں شمار ہوتے ہیں جن کا جواب دیا گیا۔"},
	"small_total": {"ar": "عدد المجيبين أقل من الحد الأدنى للنشر.", "en": "Fewer people answered than can be published.",
		"ur": "جواب دینے والے اشاعت کی کم از کم حد سے کم ہیں۔"},
	"anonymous_open": {"ar": "الاستبيان لا يكشف هوية المجيبين، فلا تظهر أرقامه قبل انتهاء الجولة.",
		"en": "The survey is anonymous: its figures come when the round is over.",
		"ur": "یہ سروے گمنام ہے؛ اس کے اعداد دور ختم ہونے پر آئیں گے۔"},
	"weights_failed": {"ar": "تعذّر حساب الأوزان، فالأرقام غير موزونة.", "en": "The answers could not be weighted.",
		"ur": "وزن نہیں لگایا جا سکا۔"},
	"weights_joined": {"ar": "دُمجت فئات صغيرة عند حساب الأوزان.", "en": "Small groups were joined for the weights.",
		"ur": "وزن کے لیے چھوٹے گروہ ملا دیے گئے۔"},
	"unequal_unweighted": {"ar": "سُحبت الطبقات بنسب مختلفة دون أوزان تعوّض ذلك.",
		"en": "Strata were drawn at different rates, and no weights make up for it.",
		"ur": "طبقات مختلف شرح سے لیے گئے اور کوئی وزن اس کا ازالہ نہیں کرتا۔"},
}

// word is what a code is called, itself when it has no name.
func word(code, language string) string {
	if w := words[code][language]; w != "" {
		return w
	}
	return code
}

// translated is a header in a language.
func translated(columns []string, language string) []string {
	header := make([]string, len(columns))
	for i, c := range columns {
		header[i] = word(c, language)
	}
	return header
}
