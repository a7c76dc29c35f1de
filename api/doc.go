// Package api is the HTTP face of Balagh: it reads requests by the contract (openapi/openapi.yaml), says who is asking, calls
// one service, and writes what came of it. Rules of the domain are not its business, nor is storing anything but the answers
// of idempotent requests.
//
// A request passes, in this order: observe (request id, log, metrics, panics) → guard of its operation (application version,
// token, who may call, size and form of the input, idempotency) → its handler, generated from the contract but for the few that
// stream → service → store. Every error becomes one problem document (problem.go).
package api
