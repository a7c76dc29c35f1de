package api

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/gofiber/fiber/v2"
)

// document is an answer that has the domain's own shape: what is data there (a questionnaire, a programme, results) goes out as it is. The
// contract describes it, and TestDocuments holds the two together.
type document struct {
	status   int // 200 when 0
	etag     *string
	location string
	body     any
}

func (d document) send(c *fiber.Ctx) error {
	if d.etag != nil {
		c.Set(fiber.HeaderETag, *d.etag)
	}
	if d.location != "" {
		c.Set(fiber.HeaderLocation, d.location)
	}
	return c.Status(cmp.Or(d.status, fiber.StatusOK)).JSON(d.body)
}

// list is the shape of everything that has no pages.
type list[T any] struct {
	Items []T `json:"items"`
}

// into reads a type of the contract as the domain's: their JSON is the same.
func into[T any](body any) (t T, err error) {
	b, err := json.Marshal(body)
	if err == nil {
		err = json.Unmarshal(b, &t)
	}
	if err != nil {
		return t, fmt.Errorf("read a %T: %w", body, err)
	}
	return t, nil
}

// These make it an answer of the contract.

// VisitListSurveysResponse is of surveys.
func (d document) VisitListSurveysResponse(c *fiber.Ctx) error { return d.send(c) }

// VisitGetSurveyResponse is of a survey.
func (d document) VisitGetSurveyResponse(c *fiber.Ctx) error { return d.send(c) }

// VisitRespondSurveyResponse is of a survey.
func (d document) VisitRespondSurveyResponse(c *fiber.Ctx) error { return d.send(c) }

// VisitDeskSurveysResponse is of surveys.
func (d document) VisitDeskSurveysResponse(c *fiber.Ctx) error { return d.send(c) }

// VisitDeskRespondResponse is of a survey.
func (d document) VisitDeskRespondResponse(c *fiber.Ctx) error { return d.send(c) }

// VisitListQuestionnairesResponse is of questionnaires.
func (d document) VisitListQuestionnairesResponse(c *fiber.Ctx) error { return d.send(c) }

// VisitListQuestionnaireVersionsResponse is of questionnaires.
func (d document) VisitListQuestionnaireVersionsResponse(c *fiber.Ctx) error { return d.send(c) }

// VisitGetQuestionnaireResponse is of a questionnaire.
func (d document) VisitGetQuestionnaireResponse(c *fiber.Ctx) error { return d.send(c) }

// VisitGetQuestionnaireVersionResponse is of a questionnaire.
func (d document) VisitGetQuestionnaireVersionResponse(c *fiber.Ctx) error { return d.send(c) }

// VisitPutQuestionnaireResponse is of a questionnaire.
func (d document) VisitPutQuestionnaireResponse(c *fiber.Ctx) error { return d.send(c) }

// VisitPutXlsformResponse is of a questionnaire.
func (d document) VisitPutXlsformResponse(c *fiber.Ctx) error { return d.send(c) }

// VisitListProgrammesResponse is of programmes.
func (d document) VisitListProgrammesResponse(c *fiber.Ctx) error { return d.send(c) }

// VisitGetProgrammeResponse is of a programme.
func (d document) VisitGetProgrammeResponse(c *fiber.Ctx) error { return d.send(c) }

// VisitPutProgrammeResponse is of a programme with its forecast.
func (d document) VisitPutProgrammeResponse(c *fiber.Ctx) error { return d.send(c) }

// VisitStartRoundResponse is of a round.
func (d document) VisitStartRoundResponse(c *fiber.Ctx) error { return d.send(c) }

// VisitGetRoundResponse is of a round with its progress.
func (d document) VisitGetRoundResponse(c *fiber.Ctx) error { return d.send(c) }

// VisitCloseRoundResponse is of a round.
func (d document) VisitCloseRoundResponse(c *fiber.Ctx) error { return d.send(c) }

// VisitStopRoundResponse is of a round.
func (d document) VisitStopRoundResponse(c *fiber.Ctx) error { return d.send(c) }
