// Package gen is the Go form of openapi/openapi.yaml: a type for every schema, and a Fiber server whose handlers take typed
// requests and return typed responses. It is generated; it knows no domain and decides nothing.
//
// Operations whose bodies stream are not in StrictServerInterface (see config.yaml); api writes them by hand with these types.
package gen

//go:generate go tool -modfile=../../tools/go.mod oapi-codegen -config config.yaml ../../openapi/openapi.yaml
