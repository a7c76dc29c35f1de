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
