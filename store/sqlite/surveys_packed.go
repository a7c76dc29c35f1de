package sqlite

import (
	"encoding/binary"
	"errors"

	"github.com/google/uuid"

	"github.com/balagh/balagh/surveys"
)

// A frame is made of millions of cases, so a case is kept in a form that costs nearly nothing to read: each value is its bytes
// behind a number, which is twice how many they are, and one more when they are a UUID's 16.
const uuidSize = 16

func appendPacked(b []byte, s string) []byte {
	if u, ok := key(s).([]byte); ok {
		return append(append(b, uuidSize<<1|1), u...)
	}
	return append(binary.AppendUvarint(b, uint64(len(s))<<1), s...)
}

// packed reads values one after the other. What is damaged ends it.
type packed struct {
	rest    []byte
	damaged bool
}

// next is a value, as it is packed, and its bytes.
func (p *packed) next() (whole, value []byte) {
	h, used := binary.Uvarint(p.rest)
	if used <= 0 || h>>1 > uint64(len(p.rest)-used) {
		p.rest, p.damaged = nil, true
		return nil, nil
	}
	end := used + int(h>>1)
	whole, value = p.rest[:end], p.rest[used:end]
	p.rest = p.rest[end:]
	return whole, value
}

func (p *packed) text() string {
	whole, value := p.next()
	return unpacked(whole, value)
}

// unpacked is the text that next gave.
func unpacked(whole, value []byte) string {
	if len(value) == uuidSize && whole[0]&1 == 1 {
		return uuid.UUID(value).String()
	}
	return string(value)
}

var errPacked = errors.New("a packed row is damaged")

func (p *packed) err() error {
	if p.damaged {
		return errPacked
	}
	return nil
}

// What is so or not of a snapshot.
const (
	packedCompany = 1 << iota
	packedFirst
)

// packSnapshot is a value of everything that few people are told apart by, and then the employee.
func packSnapshot(b []byte, s *surveys.Snapshot) []byte {
	common := make([]byte, 1, 96)
	if s.Company {
		common[0] |= packedCompany
	}
	if s.First {
		common[0] |= packedFirst
	}
	for _, v := range []string{s.Centre, s.Region, s.Department, s.Category, s.Channel, s.Gender, s.Residency} {
		common = appendPacked(common, v)
	}
	return appendPacked(append(binary.AppendUvarint(b, uint64(len(common))<<1), common...), s.Employee)
}

func unpackSnapshot(b []byte) (surveys.Snapshot, error) {
	p := packed{rest: b}
	_, common := p.next()
	s, err := unpackCommon(common)
	s.Employee = p.text()
	return s, errors.Join(err, p.err())
}

func unpackCommon(b []byte) (s surveys.Snapshot, err error) {
	if len(b) == 0 {
		return s, errPacked
	}
	s.Company, s.First = b[0]&packedCompany != 0, b[0]&packedFirst != 0
	p := packed{rest: b[1:]}
	for _, v := range []*string{&s.Centre, &s.Region, &s.Department, &s.Category, &s.Channel, &s.Gender, &s.Residency} {
		*v = p.text()
	}
	return s, p.err()
}

// packCase is citizen, report, when it was received, and the snapshot, together one value, so that many of them can stand
// behind each other.
func packCase(c *surveys.Case) []byte {
	b := appendPacked(appendPacked(make([]byte, 0, 160), c.Citizen), c.Report)
	b = binary.BigEndian.AppendUint64(append(b, 8<<1), uint64(millis(c.Received)))
	b = packSnapshot(b, &c.Snapshot)
	return append(binary.AppendUvarint(make([]byte, 0, len(b)+2), uint64(len(b))<<1), b...)
}

// packedCase is a case in pieces, of the bytes that it was packed in.
type packedCase struct {
	citizen, report  []byte // whole: see packed
	received         int64
	common, employee []byte // employee whole
}

func (p *packed) nextCase() (c packedCase, err error) {
	_, b := p.next()
	in := packed{rest: b}
	c.citizen, _ = in.next()
	c.report, _ = in.next()
	if _, at := in.next(); len(at) == 8 {
		c.received = int64(binary.BigEndian.Uint64(at))
	} else {
		in.damaged = true
	}
	_, c.common = in.next()
	c.employee, _ = in.next()
	return c, errors.Join(p.err(), in.err())
}

// wholeText is the text of a whole value.
func wholeText(whole []byte) string {
	p := packed{rest: whole}
	return p.text()
}

func unpackCase(b []byte) (surveys.Case, error) {
	p := packed{rest: b}
	in, err := p.nextCase()
	if err != nil {
		return surveys.Case{}, err
	}
	c := surveys.Case{Citizen: wholeText(in.citizen), Report: wholeText(in.report), Received: moment(in.received)}
	if c.Snapshot, err = unpackCommon(in.common); err != nil {
		return surveys.Case{}, err
	}
	c.Employee = wholeText(in.employee)
	return c, nil
}
