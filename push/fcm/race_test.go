//go:build race

package fcm_test

// raced is what the numbers of messages are divided by: with the race detector each takes many times as long.
const raced = 8
