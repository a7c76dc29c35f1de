package xlsform

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/balagh/balagh/fault"
)

// What is read of a workbook before a library that believes what a file says of itself is let near it: its parts by name, and
// from each sheet that matters, as a stream, how many rows and columns there are and which cells hold formulas.

// parts of a workbook by name.
type parts map[string]*zip.File

// unpack opens a file and refuses what no workbook of ours needs: macros, links to other files, and more than there can be.
func unpack(file []byte) (parts, error) {
	if len(file) > MaxFile {
		return nil, whole(fault.TooLong, fmt.Sprintf("the file is larger than %d MiB", MaxFile>>20))
	}
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, whole(fault.WrongFormat, "this is no .xlsx file")
	}
	if len(z.File) > maxParts {
		return nil, whole(fault.TooMany, "the file has too many parts")
	}
	all, size, seen, wrong := parts{}, uint64(0), map[string]bool{}, Errors{}
	for _, f := range z.File {
		size += f.UncompressedSize64 // which the reader of the part holds to
		name := strings.ToLower(f.Name)
		if size > maxContent || f.UncompressedSize64 > maxContent {
			return nil, whole(fault.TooLong, "the file unpacks to too much")
		}
		if seen[name] || strings.ContainsRune(name, '\\') {
			return nil, whole(fault.WrongFormat, "the file has a part twice, or one with a strange name")
		}
		seen[name] = true
		all[f.Name] = f
		switch {
		case path.Base(name) == "vbaproject.bin" || strings.HasPrefix(name, "xl/macrosheets/"):
			wrong = append(wrong, Error{Reason: fault.NotAllowed, Message: "the file has a macro"})
		case strings.HasPrefix(name, "xl/externallinks/"):
			wrong = append(wrong, Error{Reason: fault.NotAllowed, Message: "the file has links to other files"})
		}
	}
	if err := all.affordable(); err != nil {
		return nil, err
	}
	types, err := all.read("[Content_Types].xml")
	if err != nil {
		return nil, whole(fault.WrongFormat, "this is no .xlsx file")
	}
	if low := bytes.ToLower(types); len(wrong) == 0 &&
		(bytes.Contains(low, []byte("macroenabled")) || bytes.Contains(low, []byte("vbaproject"))) {
		wrong = append(wrong, Error{Reason: fault.NotAllowed, Message: "the file has a macro"})
	}
	if len(wrong) > 0 {
		return nil, distinct(wrong)
	}
	return all, nil
}

// affordable refuses what would take long to read: a small file can hold many tags.
func (p parts) affordable() error {
	tags := 0
	for name := range p {
		b, err := p.read(name)
		if err != nil {
			return whole(fault.WrongFormat, "the file cannot be read")
		}
		if tags += bytes.Count(b, []byte("<")); tags > maxTags {
			return whole(fault.TooLong, "the file unpacks to too much")
		}
	}
	return nil
}

func (p parts) read(name string) ([]byte, error) {
	f, ok := p[name]
	if !ok {
		return nil, fmt.Errorf("the part %s is missing", name)
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, maxContent))
}

// sheets are the parts that hold the sheets, by the name of the sheet.
func (p parts) sheets() (map[string]string, error) {
	var book struct {
		Sheets []struct {
			Name string     `xml:"name,attr"`
			Attr []xml.Attr `xml:",any,attr"`
		} `xml:"sheets>sheet"`
	}
	var relations struct {
		All []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	for name, v := range map[string]any{"xl/workbook.xml": &book, "xl/_rels/workbook.xml.rels": &relations} {
		b, err := p.read(name)
		if err != nil {
			return nil, err
		}
		if err := xml.Unmarshal(b, v); err != nil {
			return nil, err
		}
	}
	targets := map[string]string{}
	for _, r := range relations.All {
		if strings.HasPrefix(r.Target, "/") {
			targets[r.ID] = strings.TrimPrefix(path.Clean(r.Target), "/")
		} else {
			targets[r.ID] = path.Join("xl", r.Target)
		}
	}
	all := map[string]string{}
	for _, s := range book.Sheets {
		for _, a := range s.Attr {
			if a.Name.Local == "id" {
				all[s.Name] = targets[a.Value]
			}
		}
	}
	return all, nil
}

// scan reads a sheet as a stream and tells of formulas and of more rows or columns than there can be.
func (p parts) scan(sheet, part string) (Errors, error) {
	f, ok := p[part]
	if !ok {
		return nil, fmt.Errorf("the part %s is missing", part)
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	s := scanner{sheet: sheet}
	d := xml.NewDecoder(io.LimitReader(r, maxContent))
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return s.wrong, nil
		}
		if err != nil {
			return nil, err
		}
		if start, ok := t.(xml.StartElement); ok {
			if err := s.element(start); err != nil {
				return s.wrong, err
			}
		}
	}
}

// scanner knows where in a sheet the stream is.
type scanner struct {
	sheet       string
	row, column int
	wrong       Errors
}

var errTooMany = errors.New("more than there can be")

func (s *scanner) element(e xml.StartElement) error {
	switch e.Name.Local {
	case "dimension":
		ref := attribute(e, "ref")
		_, row, _ := excelize.CellNameToCoordinates(ref[strings.LastIndexByte(ref, ':')+1:])
		return s.limit(row, 1)
	case "row":
		next := s.row + 1
		if said := attribute(e, "r"); said != "" {
			n, err := strconv.Atoi(said)
			if err != nil {
				n = maxRows + 2 // as a number that is too large for one
			}
			if n < next {
				return errors.New("rows are not in order")
			}
			next = n
		}
		s.row, s.column = next, 0
		return s.limit(s.row, 1)
	case "c":
		column, row := s.column+1, s.row
		if ref := attribute(e, "r"); ref != "" {
			c, r, err := excelize.CellNameToCoordinates(ref)
			if err != nil || r != s.row || c <= s.column {
				return errors.New("cells are not in order")
			}
			column, row = c, r
		}
		s.column = column
		return s.limit(row, column)
	case "f":
		if len(s.wrong) >= maxErrors {
			return nil
		}
		s.wrong = append(s.wrong, Error{Sheet: s.sheet, Row: s.row, Column: letters(s.column), Reason: fault.NotAllowed,
			Message: "a cell holds a formula"})
	}
	return nil
}

func (s *scanner) limit(row, column int) error {
	switch {
	case row > maxRows+1:
		s.wrong = append(s.wrong, Error{Sheet: s.sheet, Reason: fault.TooMany,
			Message: fmt.Sprintf("the sheet has more than %d rows", maxRows)})
		return errTooMany
	case column > maxColumns:
		s.wrong = append(s.wrong, Error{Sheet: s.sheet, Row: row, Reason: fault.TooMany,
			Message: fmt.Sprintf("the row has more than %d columns", maxColumns)})
		return errTooMany
	}
	return nil
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

func letters(column int) string {
	name, err := excelize.ColumnNumberToName(column)
	if err != nil {
		return ""
	}
	return name
}

// open reads the three sheets of a workbook; those that it lacks are nil.
func open(file []byte) (map[string]*table, error) {
	all, err := unpack(file)
	if err != nil {
		return nil, err
	}
	unreadable := whole(fault.WrongFormat, "the file cannot be read")
	sheets, err := all.sheets()
	if err != nil {
		return nil, unreadable
	}
	names, wrong := map[string]string{}, Errors{}
	for name, part := range sheets {
		known := strings.ToLower(strings.TrimSpace(name))
		if known != surveySheet && known != choicesSheet && known != settingsSheet {
			continue
		}
		if names[known] != "" {
			return nil, Errors{{Sheet: known, Reason: fault.Duplicate, Message: "the sheet is there twice"}}
		}
		names[known] = name
		found, err := all.scan(known, part)
		if err != nil && !errors.Is(err, errTooMany) {
			return nil, Errors{{Sheet: known, Reason: fault.WrongFormat, Message: "the sheet cannot be read"}}
		}
		wrong = append(wrong, found...)
	}
	if names[surveySheet] == "" {
		wrong = append(wrong, Error{Sheet: surveySheet, Reason: fault.Required, Message: "the sheet is missing"})
	}
	for _, e := range wrong {
		if e.Reason != fault.NotAllowed { // a formula is told with its column, and beside what else is wrong
			return nil, ordered(wrong)
		}
	}
	tables, err := values(file, names)
	if err != nil {
		return nil, unreadable
	}
	for _, e := range wrong {
		tables[e.Sheet].formula(e)
	}
	return tables, nil
}

// values are the texts of the cells. A library reads what people send, so that it may also fail in ways of its own.
func values(file []byte, names map[string]string) (tables map[string]*table, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("read a workbook: %v", r)
		}
	}()
	f, err := excelize.OpenReader(bytes.NewReader(file),
		excelize.Options{RawCellValue: true, UnzipSizeLimit: maxContent, UnzipXMLSizeLimit: maxContent})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	tables = map[string]*table{}
	for known, name := range names {
		rows, err := f.Rows(name)
		if err != nil {
			return nil, err
		}
		t := &table{name: known}
		for n := 1; n <= maxRows+1 && rows.Next(); n++ {
			cells, err := rows.Columns()
			if err != nil {
				return nil, err
			}
			t.add(n, cells[:min(len(cells), maxColumns)])
		}
		if err := rows.Close(); err != nil {
			return nil, err
		}
		tables[known] = t
	}
	return tables, nil
}
