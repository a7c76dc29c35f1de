package demo

// What people say whatever the report is about.
var (
	withdrawals = Texts{
		"ar": "عولجت المشكلة قبل أن يصل الرد، شكرًا لكم.",
		"en": "It was put right before anybody answered. Thank you.",
		"ur": "جواب آنے سے پہلے ہی مسئلہ حل ہو گیا، شکریہ۔",
	}
	additions = Texts{
		"ar": "أضيف أن المشكلة تزداد وقت صلاة العشاء.",
		"en": "I should add that it is worse at the time of Isha.",
		"ur": "یہ بھی عرض ہے کہ نمازِ عشاء کے وقت مسئلہ بڑھ جاتا ہے۔",
	}
	availability = Texts{
		"ar": "نعم، يمكنكم الحضور بعد صلاة العصر، وحارس المسجد موجود حتى المغرب.",
		"en": "Yes, please come after Asr. The guard is there until Maghrib.",
		"ur": "جی ہاں، عصر کے بعد تشریف لے آئیں؛ چوکیدار مغرب تک موجود رہتا ہے۔",
	}
	reopenings = Texts{
		"ar": "لم تُحل المشكلة بعد، وأرجو النظر فيها مرة أخرى.",
		"en": "It is not solved yet. Please look at it again.",
		"ur": "مسئلہ ابھی تک حل نہیں ہوا، براہِ کرم دوبارہ دیکھا جائے۔",
	}

	// questions is what an officer asks a citizen.
	questions = Texts{
		"ar": "متى يناسب أن يزور الفني المسجد، ومن يفتح له؟",
		"en": "When would a visit suit, and who can open the door?",
		"ur": "دورے کے لیے کون سا وقت مناسب ہے، اور دروازہ کون کھولے گا؟",
	}
	// later is the answer to what takes longer than this play.
	later = Texts{
		"ar": "نعمل على بلاغكم، ويحتاج إلى قطع تصل خلال أسبوعين، وسنخبركم حال وصولها.",
		"en": "We are working on it. It needs parts that take two weeks, and we will tell you when they are here.",
		"ur": "آپ کی شکایت پر کام جاری ہے؛ اس کے لیے پرزے دو ہفتوں میں پہنچیں گے، اور پہنچتے ہی آپ کو اطلاع دی جائے گی۔",
	}
	rejections = Texts{
		"ar": "نشكركم، وهذا الموضوع ليس من اختصاص الوزارة، ونأمل التواصل مع الأمانة على الرقم 940.",
		"en": "Thank you. This is not for the ministry to decide; please call the municipality on 940.",
		"ur": "شکریہ۔ یہ معاملہ وزارت کے دائرۂ اختیار میں نہیں؛ براہِ کرم بلدیہ سے 940 پر رابطہ کریں۔",
	}
	again = Texts{
		"ar": "أعدنا النظر في بلاغكم، وعالجنا ما بقي منه. نعتذر عن التأخير.",
		"en": "We looked at it again and put right what was left. We are sorry that it took so long.",
		"ur": "ہم نے آپ کی شکایت کا دوبارہ جائزہ لیا اور جو باقی تھا وہ درست کر دیا۔ تاخیر پر معذرت۔",
	}

	// What the desk writes for itself is Arabic.
	noteOfClerk    = "أُحيل إلى المختص بعد التحقق من التصنيف والموقع."
	noteOfOfficer  = "جرى التواصل مع مراقب المسجد."
	noteOfReopened = "أعاد المستفيد فتح البلاغ: تُراجع المعالجة السابقة أولًا."
)
