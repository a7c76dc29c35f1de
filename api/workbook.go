package api

import (
	"bytes"
	"fmt"

	"github.com/xuri/excelize/v2"
)

// sheet is a named table of a workbook.
type sheet struct {
	name string
	table
}

// workbook writes the sheets as XLSX. Text stays text whatever it begins with: a cell is written as a string, never as a
// formula. In Arabic and Urdu the sheets run from right to left.
func workbook(language string, sheets []sheet) ([]byte, error) {
	f := excelize.NewFile()
	defer func() { _ = f.Close() }() // of temporary files, which go with the process anyway
	bold, err := f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return nil, fmt.Errorf("style of a workbook: %w", err)
	}
	for i, s := range sheets {
		if i == 0 {
			err = f.SetSheetName(f.GetSheetName(0), s.name)
		} else {
			_, err = f.NewSheet(s.name)
		}
		if err == nil {
			err = writeSheet(f, s, language, bold)
		}
		if err != nil {
			return nil, fmt.Errorf("sheet of a workbook: %w", err)
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		return nil, fmt.Errorf("write a workbook: %w", err)
	}
	return b.Bytes(), nil
}

func writeSheet(f *excelize.File, s sheet, language string, head int) error {
	if err := f.SetSheetView(s.name, 0, &excelize.ViewOptions{RightToLeft: new(language != "en")}); err != nil {
		return err
	}
	w, err := f.NewStreamWriter(s.name)
	if err != nil {
		return err
	}
	if err := w.SetColWidth(1, len(s.header), 16); err != nil {
		return err
	}
	if err := w.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	names := make([]any, len(s.header))
	for i, name := range s.header {
		names[i] = excelize.Cell{StyleID: head, Value: name}
	}
	if err := w.SetRow("A1", names); err != nil {
		return err
	}
	for i, row := range s.rows {
		cells := make([]any, len(row))
		for j, v := range row {
			if cells[j], err = sheetCell(v); err != nil {
				return err
			}
		}
		at, err := excelize.CoordinatesToCellName(1, i+2)
		if err != nil {
			return err
		}
		if err := w.SetRow(at, cells); err != nil {
			return err
		}
	}
	return w.Flush()
}

// sheetCell is a string or a number; nil for an empty cell.
func sheetCell(v any) (any, error) {
	switch v := v.(type) {
	case string:
		if v == "" {
			return nil, nil
		}
		return v, nil
	case int, int64, float64:
		return v, nil
	case *int64:
		if v == nil {
			return nil, nil
		}
		return *v, nil
	case *float64:
		if v == nil {
			return nil, nil
		}
		return *v, nil
	}
	return nil, fmt.Errorf("a cell of type %T", v)
}
