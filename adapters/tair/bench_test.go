package tair_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	kvstore "github.com/aliyun/alibaba-cloud-sdk-go/services/r-kvstore"

	"tairssl/adapters/tair"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

// BenchmarkHandle measures one warm request against the emulator for an instance that is
// not due. It measures Handle, and the two bare SDK calls that Handle makes, one after the
// other and at once. The ratios show what Handle adds.
func BenchmarkHandle(b *testing.B) {
	for name, latency := range map[string]time.Duration{"latency=0": 0, "latency=2ms": 2 * time.Millisecond} {
		b.Run(name, func(b *testing.B) { benchmarkHandle(b, latency) })
	}
}

func benchmarkHandle(b *testing.B, latency time.Duration) {
	e, endpoint := emulate(b, tairtest.Options{Latency: latency}, tairtest.Instance{InstanceID: ref.InstanceID})
	url, err := e.ListenHTTP("127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	h := handler.New(emulated(b, endpoint), handler.Options{})
	requests := handler.Trusted.Deliver(handler.Request{InstanceID: ref.InstanceID, SSLEnabled: handler.Update})
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	b.Cleanup(transport.CloseIdleConnections)
	bare := func() *kvstore.Client {
		config := sdk.NewConfig().WithScheme("HTTP")
		config.Transport = transport
		client, err := kvstore.NewClientWithOptions("cn-hangzhou", config, credentials.NewAccessKeyCredential("emulator", "emulator-secret"))
		if err != nil {
			b.Fatal(err)
		}
		client.Domain = strings.TrimPrefix(url, "http://")
		return client
	}
	attribute := func(c *kvstore.Client) {
		r := kvstore.CreateDescribeInstanceAttributeRequest()
		r.InstanceId = ref.InstanceID
		if _, err := c.DescribeInstanceAttribute(r); err != nil {
			b.Error(err)
		}
	}
	ssl := func(c *kvstore.Client) {
		r := kvstore.CreateDescribeInstanceSSLRequest()
		r.InstanceId = ref.InstanceID
		if _, err := c.DescribeInstanceSSL(r); err != nil {
			b.Error(err)
		}
	}
	one, two := bare(), bare()
	variants := []func(){
		func() {
			if r := h.Handle(ctx, requests)[0]; r.Outcome != handler.Unchanged {
				b.Errorf("ended %s: %s", r.Outcome, r.Reason)
			}
		},
		func() { attribute(one); ssl(one) },
		func() {
			done := make(chan struct{})
			go func() { defer close(done); attribute(one) }()
			ssl(two)
			<-done
		},
	}
	times := make([]time.Duration, len(variants))
	for _, v := range variants {
		v() // connects
	}
	n := 0
	for ; b.Loop(); n++ {
		for k := range variants {
			v := (k + n) % len(variants)
			began := time.Now()
			variants[v]()
			times[v] += time.Since(began)
		}
	}
	for v, name := range []string{"handle-µs", "bare-in-turn-µs", "bare-at-once-µs"} {
		b.ReportMetric(float64(times[v].Microseconds())/float64(n), name)
	}
	b.ReportMetric(float64(times[0])/float64(times[2]), "handle/bare-at-once")
	b.ReportMetric(float64(times[0])/float64(times[1]), "handle/bare-in-turn")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkCallsAtOnce measures 10,200 calls by 64 workers at 20 ms each, as many as a
// sweep of 10,000 instances makes. The bound is the time of the latency alone. A quota
// that is never reached must cost nothing.
func BenchmarkCallsAtOnce(b *testing.B) {
	const calls, workers, latency = 10_200, 64, 20 * time.Millisecond
	_, endpoint := emulate(b, tairtest.Options{Latency: latency}, tairtest.Instance{InstanceID: ref.InstanceID})
	for name, quotas := range map[string]map[string]tair.Quota{
		"without a quota": {}, "with a quota": {"DescribeInstanceSSL": {Calls: 100_000, Per: time.Second}},
	} {
		c := tair.New(static(tair.Credential{AccessKeyID: "emulator", AccessKeySecret: "emulator-secret"}), tair.Options{Endpoint: endpoint, Rate: -1, Quotas: quotas})
		b.Cleanup(c.Close)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				work := make(chan struct{})
				var group sync.WaitGroup
				for range workers {
					group.Go(func() {
						for range work {
							if _, err := c.SSL(context.Background(), ref); err != nil {
								b.Error(err)
							}
						}
					})
				}
				for range calls {
					work <- struct{}{}
				}
				close(work)
				group.Wait()
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/((calls/workers)*latency.Seconds()), "times-the-bound")
		})
	}
}
