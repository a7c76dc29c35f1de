package stats

// Dispositions of the invitations of a round: AAPOR, "Standard Definitions" (10th ed., 2023).
type Dispositions struct {
	Complete   int // I
	Partial    int // P
	Refused    int // R: refused or broke off
	NonContact int // NC
	Other      int // O
	Unknown    int // U: eligibility unknown, UH and UO together
}

func (d Dispositions) eligible() float64 {
	return float64(d.Complete + d.Partial + d.Refused + d.NonContact + d.Other)
}

// RR1 is the minimum response rate, I/(I+P+R+NC+O+U). Each rate is NaN when its denominator is 0.
func (d Dispositions) RR1() float64 { return d.RR3(1) }

// RR2 counts partial answers as responses, (I+P)/(I+P+R+NC+O+U).
func (d Dispositions) RR2() float64 { return d.RR4(1) }

// RR3 takes the share e of those of unknown eligibility for eligible, I/(I+P+R+NC+O+e·U); e in [0, 1] is an assumption, to be
// published beside the rate.
func (d Dispositions) RR3(e float64) float64 {
	return float64(d.Complete) / (d.eligible() + e*float64(d.Unknown))
}

// RR4 is RR3 with partial answers as responses.
func (d Dispositions) RR4(e float64) float64 {
	return float64(d.Complete+d.Partial) / (d.eligible() + e*float64(d.Unknown))
}

// RR5 is the maximum response rate, I/(I+P+R+NC+O): nobody of unknown eligibility is eligible.
func (d Dispositions) RR5() float64 { return d.RR3(0) }

// RR6 is RR5 with partial answers as responses.
func (d Dispositions) RR6() float64 { return d.RR4(0) }
