package api

import (
	"cmp"
	"context"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/reports"
)

// ListCategories lists what can be reported.
func (s *Server) ListCategories(ctx context.Context, _ gen.ListCategoriesRequestObject) (gen.ListCategoriesResponseObject, error) {
	items := []gen.Category{}
	for _, c := range s.Reports.Catalogue().Categories {
		if c.Active {
			items = append(items, categoryBody(c, languageOf(ctx)))
		}
	}
	return gen.ListCategories200JSONResponse{Body: gen.CategoryList{Items: items}}, nil
}

// GetCategory reads one that can be reported.
func (s *Server) GetCategory(ctx context.Context, r gen.GetCategoryRequestObject) (gen.GetCategoryResponseObject, error) {
	c, ok := s.Reports.Catalogue().Category(r.Code)
	if !ok || !c.Active {
		return nil, fault.New(fault.NotFound)
	}
	return gen.GetCategory200JSONResponse{Body: categoryBody(c, languageOf(ctx))}, nil
}

// AdminListCategories lists them all.
func (s *Server) AdminListCategories(ctx context.Context, _ gen.AdminListCategoriesRequestObject) (gen.AdminListCategoriesResponseObject, error) {
	all := s.Reports.Catalogue().Categories
	items := make([]gen.Category, len(all))
	for i, c := range all {
		items[i] = categoryBody(c, languageOf(ctx))
	}
	return gen.AdminListCategories200JSONResponse{Items: items}, nil
}

// AdminGetCategory reads any.
func (s *Server) AdminGetCategory(ctx context.Context, r gen.AdminGetCategoryRequestObject) (gen.AdminGetCategoryResponseObject, error) {
	c, ok := s.Reports.Catalogue().Category(r.Code)
	if !ok {
		return nil, fault.New(fault.NotFound)
	}
	return gen.AdminGetCategory200JSONResponse{Body: categoryBody(c, languageOf(ctx)),
		Headers: gen.AdminGetCategory200ResponseHeaders{ETag: revisionTag(c.Rev)}}, nil
}

// AdminPutCategory creates or replaces one.
func (s *Server) AdminPutCategory(ctx context.Context, r gen.AdminPutCategoryRequestObject) (gen.AdminPutCategoryResponseObject, error) {
	rev, err := revisionOf(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	b := r.Body
	c := reports.Category{Code: r.Code, Names: b.Names, Group: text(b.Group), Keywords: b.Keywords, Descriptions: value(b.Descriptions),
		Attributes: attributesOf(b.Attributes), Department: b.Department, FirstAnswerDays: b.FirstAnswerDays, ResolutionDays: b.ResolutionDays,
		Anonymous: b.Anonymous, Order: value(b.Order), Active: b.Active}
	if c, err = s.Reports.PutCategory(ctx, actorOf(ctx), c, rev); err != nil {
		return nil, err
	}
	return gen.AdminPutCategory200JSONResponse{Body: categoryBody(c, languageOf(ctx)),
		Headers: gen.AdminPutCategory200ResponseHeaders{ETag: revisionTag(c.Rev)}}, nil
}

func attributesOf(edits []gen.AttributeEdit) []reports.Attribute {
	var all []reports.Attribute
	for _, e := range edits {
		a := reports.Attribute{Code: e.Code, Labels: e.Labels, Hints: value(e.Hints), Datatype: reports.Datatype(e.Datatype), Required: value(e.Required),
			Order: value(e.Order)}
		for _, v := range e.Values {
			a.Values = append(a.Values, reports.AttributeValue{Key: v.Key, Names: v.Names})
		}
		all = append(all, a)
	}
	return all
}

func categoryBody(c reports.Category, language string) gen.Category {
	body := gen.Category{Code: c.Code, Name: c.Names[language], Names: c.Names, Group: orNil(c.Group), Keywords: append([]string{}, c.Keywords...),
		Description: orNil(c.Descriptions[language]), Attributes: make([]gen.Attribute, len(c.Attributes)), Department: c.Department,
		FirstAnswerDays: c.FirstAnswerDays, ResolutionDays: c.ResolutionDays, Anonymous: c.Anonymous, Order: &c.Order, Active: c.Active, Rev: &c.Rev}
	if len(c.Descriptions) > 0 {
		body.Descriptions = &c.Descriptions
	}
	for i, a := range c.Attributes {
		body.Attributes[i] = attributeBody(a, language)
	}
	return body
}

func attributeBody(a reports.Attribute, language string) gen.Attribute {
	body := gen.Attribute{Code: a.Code, Label: a.Labels[language], Labels: a.Labels, Hint: orNil(a.Hints[language]), Datatype: gen.Datatype(a.Datatype),
		Required: a.Required, Order: a.Order}
	if len(a.Hints) > 0 {
		body.Hints = &a.Hints
	}
	for _, v := range a.Values {
		body.Values = append(body.Values, gen.AttributeValue{Key: v.Key, Name: cmp.Or(v.Names[language], v.Key), Names: v.Names})
	}
	return body
}
