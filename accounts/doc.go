// Package accounts knows who people are: citizens with their phones and preferences, staff with their roles, and the codes,
// passwords and tokens by which they prove it.
//
// It decides who may sign in and how often they may try, and it issues, checks and ends sessions. It must not know how a
// code reaches a phone (CodeSender), how anything is stored (Store), what HTTP is, or what a report is.
//
// Nothing that the store holds opens a door by itself: one-time codes and the keys of counters are HMACs, passwords are
// argon2id hashes, signing keys and second factors are sealed, and refresh tokens are not stored at all but derived. All
// of it hangs on one master secret.
package accounts
