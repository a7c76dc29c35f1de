package api

import (
	"context"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/fault"
)

// GetXlsform is to come.
func (s *Server) GetXlsform(_ context.Context, _ gen.GetXlsformRequestObject) (gen.GetXlsformResponseObject, error) {
	return nil, fault.New(fault.Internal)
}

// PutXlsform is to come.
func (s *Server) PutXlsform(_ context.Context, _ gen.PutXlsformRequestObject) (gen.PutXlsformResponseObject, error) {
	return nil, fault.New(fault.Internal)
}

// RoundResponsesCsv is to come.
func (s *Server) RoundResponsesCsv(_ context.Context, _ gen.RoundResponsesCsvRequestObject) (gen.RoundResponsesCsvResponseObject, error) {
	return nil, fault.New(fault.Internal)
}

// RoundResponsesSps is to come.
func (s *Server) RoundResponsesSps(_ context.Context, _ gen.RoundResponsesSpsRequestObject) (gen.RoundResponsesSpsResponseObject, error) {
	return nil, fault.New(fault.Internal)
}

// RoundResultsXlsx is to come.
func (s *Server) RoundResultsXlsx(_ context.Context, _ gen.RoundResultsXlsxRequestObject) (gen.RoundResultsXlsxResponseObject, error) {
	return nil, fault.New(fault.Internal)
}
