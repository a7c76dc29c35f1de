// Package reports is the heart of Balagh: a report, its category and attributes, the centre and department that it is
// routed to, its deadlines, its way through the lifecycle, and its timeline.
//
// The Service decides who may do what (it takes an actor) and writes every change together with the events that it causes.
// The package knows nothing of HTTP, SQL, push messages, accounts or the content of photos: people and photos are ids here,
// and what other domains must know of a report travels as an event.
package reports
