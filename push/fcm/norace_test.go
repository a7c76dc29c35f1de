//go:build !race

package fcm_test

const fewer = 1
