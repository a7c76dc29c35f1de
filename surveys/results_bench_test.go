package surveys_test

import (
	"encoding/json"
	"testing"

	"github.com/balagh/balagh/surveys"
)

// A round of 100,000 responses to 20 questions, raked, with every breakdown: cold from the rows, warm from the kept counts.
func BenchmarkResults(b *testing.B) {
	const n = 100_000
	w := newWorld(b, func(r *surveys.Round) {
		r.State = surveys.RoundPublished
		r.Programme.Weighting = surveys.Weighting{Method: surveys.Rake,
			By: []surveys.Dimension{surveys.ByRegion, surveys.ByGender, surveys.ByResidency}}
		r.Drawn = drawnOf(n, func(n int) int { return 5 + n%3 })
	})
	w.answer(b, w.round, 0, n, nil)
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			if err := w.SettleFigures(b.Context(), w.round); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("warm", func(b *testing.B) {
		var cells int
		for b.Loop() {
			answer, err := w.Results(b.Context(), asManager, w.round.ID, "")
			if err != nil {
				b.Fatal(err)
			}
			cells = 0
			for i := range answer.Questions {
				for _, of := range answer.Questions[i].Breakdown {
					cells += len(of)
				}
			}
		}
		b.ReportMetric(float64(cells), "cells")
	})
	b.Run("json", func(b *testing.B) {
		answer, err := w.Results(b.Context(), asManager, w.round.ID, "")
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			text, err := json.Marshal(answer)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(text)))
		}
	})
}
