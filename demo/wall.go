package demo

import (
	"fmt"
	"strings"
	"time"
)

const (
	wallWidth  = 100
	topCentres = 5
)

// String is the summary for a wall: 100 columns of plain text. Names in Arabic stand last in their line, and every line begins
// with a Latin letter or a digit, so that no terminal that orders Arabic from right to left moves a figure.
func (s *Summary) String() string {
	var b strings.Builder
	line := func(format string, args ...any) {
		b.WriteString(strings.TrimRight(fmt.Sprintf("  "+format, args...), " ") + "\n")
	}
	title := func(text string) {
		b.WriteString("── " + text + " " + strings.Repeat("─", max(0, wallWidth-4-len([]rune(text)))) + "\n")
	}
	b.WriteString(strings.Repeat("═", wallWidth) + "\n")
	line("BALAGH   %s, played in %.1f seconds   %s", s.Centre["en"], s.Took.Seconds(), s.Centre["ar"])
	b.WriteString(strings.Repeat("═", wallWidth) + "\n")
	line("%d citizens · %d reports · %d of them by phone, e-mail, telegram or visit · %d members of staff", s.Citizens, s.Reports, s.Registered, s.Staff)
	line("%d without an account · %d sent twice, filed once · %d said “me too” · %d reopened", s.Anonymous, s.SentTwice, s.Supported, s.Reopened)
	title("Reports by category")
	for _, x := range s.Categories {
		line("%-16s %5d %5.1f %%  %s  %s", x.Code, x.Count, percent(x.Count, s.Reports), bar(x.Count, s.Categories, 34), x.Name)
	}
	title("By status" + strings.Repeat(" ", 25) + "By region, top 5")
	for i := range max(len(s.Statuses), min(topCentres, len(s.Centres))) {
		left, right := strings.Repeat(" ", 34), ""
		if i < len(s.Statuses) {
			x := s.Statuses[i]
			left = fmt.Sprintf("%-19s%5d  %s", x.Code, x.Count, bar(x.Count, s.Statuses, 8))
		}
		if i < min(topCentres, len(s.Centres)) {
			x := s.Centres[i]
			right = fmt.Sprintf("%-6s %5d  %s  %s", x.Code, x.Count, bar(x.Count, s.Centres, 8), x.Name)
		}
		line("%s  %s", left, right)
	}
	s.scores(title, line)
	title("Photos and phones")
	line("photos        %d taken%s", s.PhotosTaken, listed(" · refused: ", s.Refusals))
	line("phones        %d pushes shown · %d messages opened · %d dead tokens dropped", s.PushesShown, s.MessagesRead, s.TokensDropped)
	line("filing        half within %s, 95 %% within %s, as the phones saw it", milliseconds(s.FilingP50), milliseconds(s.FilingP95))
	s.told(title, line)
	s.Round.show(title, line)
	for i, t := range s.Troubles {
		if i == 0 {
			title("What went wrong")
		}
		line("%.*s", wallWidth-2, t)
	}
	b.WriteString(strings.Repeat("═", wallWidth) + "\n")
	return b.String()
}

// scores are how satisfied people were, altogether and with the best and the worst department.
func (s *Summary) scores(title func(string), line func(string, ...any)) {
	title("Satisfaction")
	x := s.Satisfaction
	if x.N == 0 {
		line("nobody has rated yet")
		return
	}
	line("satisfied     %5.1f %%  (95 %% interval %.1f to %.1f %%, Wilson) · mean %.1f of 100 · net %+.1f %%", 100*x.Top2, 100*x.Low, 100*x.High, x.Mean100, 100*x.Net)
	line("asked         %d · %d rated, %.1f %%", x.Eligible, x.N, 100*x.ResponseRate)
	if len(x.Counts) == 5 {
		for i, word := range []string{"very dissatisfied", "dissatisfied", "neutral", "satisfied", "very satisfied"} {
			line("%d %-18s%5d  %s", i+1, word, x.Counts[i], blocks(x.Counts[i], maximum(x.Counts), 34))
		}
	}
	if n := len(s.Departments); n > 1 {
		for i, word := range []string{"best", "worst"} {
			d := s.Departments[i*(n-1)]
			line("%-6s %-22s %5.1f %%  (%.1f to %.1f %%)  n = %-5d %s", word, d.Code, 100*d.Top2, 100*d.Low, 100*d.High, d.N, d.Name)
		}
	}
}

// told is how the news went, as the ledger and the desk have it.
func (s *Summary) told(title func(string), line func(string, ...any)) {
	title("News on its way: push, without an answer SMS, then the contact centre")
	for _, c := range s.Channels {
		line("%-13s %d accepted (half %s, 99 %% %s) → %d delivered (%s, %s) → %d read", c.Name, c.Accepted, classEnd(c.AcceptedHalf), classEnd(c.Accepted99),
			c.Delivered, classEnd(c.DeliveredHalf), classEnd(c.Delivered99), c.Read)
		if len(c.Ended) > 0 {
			line("%-13s %s", "", listed("not sent: ", c.Ended))
		}
	}
	r := s.Reached
	line("quiet hours   %d messages held for %d people · %d urgent ones passed", r.Held, r.HeldPeople, r.Passed)
	line("fell back     to SMS: %d at once, without a phone to push to · %d after a push not acknowledged", r.TextAtOnce, r.TextInstead)
	b := s.Broadcast
	line("broadcast     %d people counted, %d told · %d accepted → %d delivered → %d read · %d failed", b.Counted, b.Planned, b.Accepted, b.Delivered, b.Read, b.Failed)
	if len(s.Unreached) == 0 {
		line("unreached     nobody")
		return
	}
	line("unreached     %s, for the centre to call, such as", listed("", s.Unreached))
	for _, m := range s.Missed {
		line("%-13s %-17s %-20s %-11s %s", "", m.Reason, m.Kind, m.Number, m.Name)
	}
}

func percent(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return 100 * float64(n) / float64(of)
}

func maximum(counts []int) (most int) {
	for _, n := range counts {
		most = max(most, n)
	}
	return most
}

// bar is as long as the count is beside the largest.
func bar(n int, among []Bar, width int) string {
	most := 0
	for _, x := range among {
		most = max(most, x.Count)
	}
	return blocks(n, most, width)
}

// blocks fills n of most of a width, in eighths of a column.
func blocks(n, most, width int) string {
	if most == 0 {
		return strings.Repeat(" ", width)
	}
	eighths := (n*width*8 + most/2) / most
	if n > 0 {
		eighths = max(1, eighths)
	}
	full := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		full += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return full + strings.Repeat(" ", width-len([]rune(full)))
}

func listed(before string, bars []Bar) string {
	var parts []string
	for _, x := range bars {
		parts = append(parts, fmt.Sprintf("%s %d", x.Code, x.Count))
	}
	if len(parts) == 0 {
		return ""
	}
	return before + strings.Join(parts, ", ")
}

// classEnd is the upper end of a class of delays; there is none without a delivery, nor beyond a day.
func classEnd(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return d.String()
}

// milliseconds is a duration in milliseconds.
func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}
