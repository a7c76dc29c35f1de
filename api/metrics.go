package api

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Metrics are what /metrics shows. No label holds anything of a person.
type Metrics struct {
	Registry   *prometheus.Registry
	requests   *prometheus.HistogramVec
	commits    prometheus.Histogram
	commitTime prometheus.Histogram
	handed     prometheus.Histogram
	deliveries *prometheus.CounterVec
	taken      *prometheus.HistogramVec
}

// NewMetrics registers them.
func NewMetrics() *Metrics {
	m := &Metrics{
		Registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "balagh_request_seconds", Help: "Time of requests by operation and status.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}, []string{"operation", "status"}),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "balagh_commit_writes", Help: "Writes that shared one commit.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 9)}),
		commitTime: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "balagh_commit_seconds", Help: "Time of one commit.",
			Buckets: prometheus.ExponentialBuckets(.0005, 2, 12)}),
		handed: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "balagh_event_seconds", Help: "Age of an event when every consumer had taken it.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 5, 30, 300}}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "balagh_deliveries_total", Help: "Deliveries by channel and outcome."},
			[]string{"channel", "outcome"}),
		taken: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "balagh_delivery_seconds", Help: "From when a delivery could go until its channel accepted it.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 5, 30, 300, 3600}}, []string{"channel"}),
	}
	m.Registry.MustRegister(m.requests, m.commits, m.commitTime, m.handed, m.deliveries, m.taken,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *Metrics) request(op string, status int, took time.Duration) {
	m.requests.WithLabelValues(op, strconv.Itoa(status)).Observe(took.Seconds())
}

// Commit notes a group commit.
func (m *Metrics) Commit(writes int, took time.Duration) {
	m.commits.Observe(float64(writes))
	m.commitTime.Observe(took.Seconds())
}

// Handed notes how old an event was when it had been handed on.
func (m *Metrics) Handed(age time.Duration) { m.handed.Observe(age.Seconds()) }

// Delivery notes what came of a delivery.
func (m *Metrics) Delivery(channel, outcome string) {
	m.deliveries.WithLabelValues(channel, outcome).Inc()
}

// Taken notes how long a delivery had waited when its channel accepted it.
func (m *Metrics) Taken(channel string, delay time.Duration) {
	m.taken.WithLabelValues(channel).Observe(delay.Seconds())
}

// Gauge shows a number that is looked up when /metrics is read; labels are names and values in turn.
func (m *Metrics) Gauge(name, help string, value func() float64, labels ...string) {
	with := prometheus.Labels{}
	for i := 0; i+1 < len(labels); i += 2 {
		with[labels[i]] = labels[i+1]
	}
	m.Registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: with}, value))
}
