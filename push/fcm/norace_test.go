//go:build !race

package fcm_test

const raced = 1
