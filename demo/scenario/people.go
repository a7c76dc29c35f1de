package scenario

import (
	"fmt"
	"math/rand/v2"

	"github.com/balagh/balagh/accounts"
)

// Names that are made up from: none is anybody's.
var (
	men      = []string{"محمد", "عبدالله", "فهد", "خالد", "سعود", "عبدالرحمن", "ناصر", "تركي", "ماجد", "يوسف", "إبراهيم", "سلطان", "بندر", "عمر", "علي"}
	women    = []string{"نورة", "سارة", "منيرة", "هيا", "لطيفة", "ريم", "أمل", "مها", "عائشة", "فاطمة", "هند", "جواهر", "الجوهرة", "مريم", "شيخة"}
	families = []string{"القحطاني", "العتيبي", "الحربي", "الغامدي", "الزهراني", "الشهري", "المطيري", "الدوسري", "الشمري", "السبيعي", "البقمي",
		"العنزي", "الأحمد", "خان", "صديقي", "عثمان", "الحسن", "يعقوب"}
	trades = []string{"مؤسسة", "شركة"}
	goods  = []string{"البناء الحديث", "النقل السريع", "الصيانة المتكاملة", "التوريدات العامة", "الواحة للتجارة", "الرواد للمقاولات", "المستقبل للخدمات"}
)

// crowd makes people of one kind, with numbers that nobody else of the scenario has.
func crowd(r *rand.Rand, all []person, n int, gender, residency string) []person {
	names := men
	if gender == "female" {
		names = women
	}
	for range n {
		p := person{Caller: accounts.Caller{Phone: phone(len(all)), Gender: gender, Residency: residency, Language: "ar",
			Name: names[r.IntN(len(names))] + " " + families[r.IntN(len(families))]}}
		if residency == "resident" {
			p.Language = []string{"ar", "en", "ur"}[r.IntN(3)]
		}
		all = append(all, p)
	}
	return all
}

// companies makes those who speak for companies, of whom nothing else is known.
func companies(r *rand.Rand, all []person, n int) []person {
	for range n {
		all = append(all, person{company: true, Caller: accounts.Caller{Phone: phone(len(all)), Language: "ar",
			Name: trades[r.IntN(len(trades))] + " " + goods[r.IntN(len(goods))] + fmt.Sprintf(" %d", r.IntN(900)+100)}})
	}
	return all
}

func phone(n int) string { return fmt.Sprintf("+96655%07d", n) }
