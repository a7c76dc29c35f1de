package api

import "github.com/balagh/balagh/fault"

// titles are the sentences of the problem documents: what happened and, where it helps, what to do.
var titles = map[fault.Code]map[string]string{
	fault.Malformed:            {"ar": "تعذّر فهم الطلب. تحقق من الحقول المرسلة.", "en": "The request could not be understood. Check the fields that were sent.", "ur": "درخواست سمجھی نہیں جا سکی۔ بھیجے گئے خانے دیکھیں۔"},
	fault.Unauthenticated:      {"ar": "يلزم تسجيل الدخول.", "en": "Please sign in.", "ur": "براہِ کرم سائن اِن کریں۔"},
	fault.TokenExpired:         {"ar": "انتهت مدة الجلسة. جدّد تسجيل الدخول.", "en": "The session has expired. Please renew it.", "ur": "سیشن کی مدت ختم ہو گئی۔ دوبارہ تازہ کریں۔"},
	fault.CodeRefused:          {"ar": "رمز التحقق غير صحيح أو انتهت صلاحيته. اطلب رمزًا جديدًا.", "en": "The code is wrong or no longer valid. Request a new one.", "ur": "کوڈ غلط ہے یا اس کی مدت ختم ہو چکی۔ نیا کوڈ منگوائیں۔"},
	fault.CredentialsRefused:   {"ar": "البريد الإلكتروني أو كلمة المرور أو رمز التحقق غير صحيح.", "en": "The e-mail, password or second factor is wrong.", "ur": "ای میل، پاس ورڈ یا دوسرا تصدیقی کوڈ غلط ہے۔"},
	fault.SecondFactorNeeded:   {"ar": "أدخل رمز التحقق من تطبيق المصادقة.", "en": "Enter the code of your authenticator app.", "ur": "اپنی تصدیقی ایپ کا کوڈ درج کریں۔"},
	fault.AppCheckRefused:      {"ar": "تعذّر التحقق من أن التطبيق أصلي. ثبّته من المتجر الرسمي أو حدّثه.", "en": "This app could not be verified. Install it from the official store, or update it.", "ur": "ایپ کے اصلی ہونے کی تصدیق نہ ہو سکی۔ اسے سرکاری اسٹور سے انسٹال یا اپ ڈیٹ کریں۔"},
	fault.Forbidden:            {"ar": "لا تملك صلاحية هذا الإجراء.", "en": "You are not allowed to do this.", "ur": "آپ کو اس کام کی اجازت نہیں۔"},
	fault.NotFound:             {"ar": "غير موجود.", "en": "There is no such thing.", "ur": "موجود نہیں۔"},
	fault.MethodNotAllowed:     {"ar": "هذا الإجراء غير متاح على هذا العنوان.", "en": "This address does not take that method.", "ur": "اس پتے پر یہ عمل دستیاب نہیں۔"},
	fault.Conflict:             {"ar": "لا يمكن تنفيذ ذلك في الحالة الراهنة.", "en": "That cannot be done in the present state.", "ur": "موجودہ حالت میں یہ ممکن نہیں۔"},
	fault.Exists:               {"ar": "سبق تسجيل ذلك.", "en": "That exists already.", "ur": "یہ پہلے سے موجود ہے۔"},
	fault.TransitionNotAllowed: {"ar": "لا يمكن نقل البلاغ إلى هذه الحالة. الحالات المتاحة مذكورة.", "en": "The report cannot go to that status. Those it can go to are listed.", "ur": "شکایت اس حالت میں نہیں جا سکتی۔ ممکنہ حالتیں درج ہیں۔"},
	fault.InFlight:             {"ar": "الطلب نفسه قيد التنفيذ. أعد المحاولة بعد لحظات.", "en": "The same request is being worked on. Try again in a moment.", "ur": "یہی درخواست زیرِ عمل ہے۔ چند لمحوں بعد دوبارہ کوشش کریں۔"},
	fault.NotReversible:        {"ar": "لا يمكن التراجع عن هذا الإجراء.", "en": "There is no way back from this.", "ur": "اس عمل کو واپس نہیں کیا جا سکتا۔"},
	fault.Gone:                 {"ar": "انتهت المهلة المحددة لذلك.", "en": "The time for that is over.", "ur": "اس کی مدت گزر چکی ہے۔"},
	fault.PreconditionFailed:   {"ar": "عُدّل هذا السجل من شخص آخر. حدّث الصفحة ثم أعد المحاولة.", "en": "Somebody else has changed this in the meantime. Read it again first.", "ur": "اس دوران کسی اور نے اسے بدل دیا۔ پہلے دوبارہ پڑھیں۔"},
	fault.TooLarge:             {"ar": "حجم المرسل أكبر من المسموح.", "en": "What was sent is larger than allowed.", "ur": "بھیجا گیا مواد اجازت سے بڑا ہے۔"},
	fault.UnsupportedMedia:     {"ar": "هذه الصيغة غير مدعومة. أرسل JSON، أو صورة JPEG أو PNG.", "en": "This format is not taken. Send JSON, or a photo as JPEG or PNG.", "ur": "یہ فارمیٹ قابلِ قبول نہیں۔ JSON بھیجیں، یا تصویر JPEG یا PNG میں۔"},
	fault.Invalid:              {"ar": "بعض البيانات غير صحيحة. راجع الحقول المذكورة.", "en": "Some of the data is not right. See the fields listed.", "ur": "کچھ معلومات درست نہیں۔ درج خانے دیکھیں۔"},
	fault.KeyReused:            {"ar": "استُخدم مفتاح التكرار نفسه لطلب مختلف.", "en": "This Idempotency-Key was used for a different request.", "ur": "یہی Idempotency-Key کسی اور درخواست کے لیے استعمال ہو چکی۔"},
	fault.OutsideArea:          {"ar": "الموقع خارج نطاق الخدمة.", "en": "The place lies outside the area that is served.", "ur": "یہ جگہ خدمت کے علاقے سے باہر ہے۔"},
	fault.PhotoRefused:         {"ar": "تعذّرت قراءة الصورة: قد تكون تالفة أو أكبر من اللازم.", "en": "The photo cannot be read: it is damaged or too large.", "ur": "تصویر پڑھی نہیں جا سکی: خراب ہے یا بہت بڑی۔"},
	fault.UpgradeNeeded:        {"ar": "حدّث التطبيق للمتابعة.", "en": "Please update the app to go on.", "ur": "جاری رکھنے کے لیے ایپ اپ ڈیٹ کریں۔"},
	fault.TooManyRequests:      {"ar": "محاولات كثيرة. انتظر قليلًا ثم أعد المحاولة.", "en": "Too many tries. Please wait a little.", "ur": "بہت زیادہ کوششیں۔ تھوڑا انتظار کریں۔"},
	fault.Internal:             {"ar": "حدث خطأ لدينا، ونعمل على معالجته.", "en": "Something went wrong on our side.", "ur": "ہماری طرف سے کوئی خرابی ہوئی۔"},
	fault.Unavailable:          {"ar": "الخدمة غير متاحة مؤقتًا. أعد المحاولة بعد قليل.", "en": "The service is not available for the moment. Please try again.", "ur": "سروس عارضی طور پر دستیاب نہیں۔ تھوڑی دیر بعد کوشش کریں۔"},
}

// reasons are the sentences beside a field.
var reasons = map[fault.Reason]map[string]string{
	fault.Required:     {"ar": "هذا الحقل مطلوب.", "en": "This is required.", "ur": "یہ لازمی ہے۔"},
	fault.TooShort:     {"ar": "النص أقصر من اللازم.", "en": "This is too short.", "ur": "یہ بہت مختصر ہے۔"},
	fault.TooLong:      {"ar": "النص أطول من المسموح.", "en": "This is too long.", "ur": "یہ بہت طویل ہے۔"},
	fault.OutOfRange:   {"ar": "القيمة خارج الحدود المسموحة.", "en": "The value is out of range.", "ur": "قدر حد سے باہر ہے۔"},
	fault.WrongType:    {"ar": "نوع القيمة غير صحيح.", "en": "The value is of the wrong type.", "ur": "قدر کی قسم درست نہیں۔"},
	fault.WrongFormat:  {"ar": "الصيغة غير صحيحة.", "en": "The format is not right.", "ur": "شکل درست نہیں۔"},
	fault.Unknown:      {"ar": "قيمة غير معروفة.", "en": "This is not known.", "ur": "یہ معلوم نہیں۔"},
	fault.NotAllowed:   {"ar": "غير مسموح هنا.", "en": "This is not allowed here.", "ur": "یہاں اس کی اجازت نہیں۔"},
	fault.TooMany:      {"ar": "العدد أكبر من المسموح.", "en": "There are too many.", "ur": "تعداد اجازت سے زیادہ ہے۔"},
	fault.Duplicate:    {"ar": "قيمة مكررة.", "en": "This appears twice.", "ur": "یہ دو بار ہے۔"},
	fault.Contradicted: {"ar": "يتعارض مع حقل آخر.", "en": "This contradicts another field.", "ur": "یہ کسی دوسرے خانے سے متصادم ہے۔"},
}
