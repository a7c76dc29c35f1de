package sms

import "strings"

// codeTexts fit into one segment (70 characters) in every language, so that a code costs one SMS.
var codeTexts = map[string]string{
	"ar": "رمز التحقق في «بلاغ»: {code}\nصالح لخمس دقائق. لا تشاركه مع أحد.",
	"en": "Your Balagh code is {code}. Valid for 5 minutes. Tell it to nobody.",
	"ur": "بلاغ کا تصدیقی کوڈ: {code}\n5 منٹ تک کارآمد۔ کسی کو نہ بتائیں۔",
}

// CodeText is the text of a one-time code; Arabic when the language is none of ours.
func CodeText(language, code string) string {
	t, ok := codeTexts[language]
	if !ok {
		t = codeTexts["ar"]
	}
	return strings.ReplaceAll(t, "{code}", code)
}
