package tairtest

import "time"

// SampleFleet is a small fleet at a time, with an instance of each kind. The sample events
// of the project name its instances.
func SampleFleet(now time.Time) []Instance {
	in := func(days int) string {
		return now.Add(time.Duration(days)*24*time.Hour + time.Hour).UTC().Format(timeLayout)
	}
	return []Instance{
		{InstanceID: "r-bp1zxszhcgatnx01", InstanceName: "orders-cache", SSLExpiredTime: in(12)},
		{InstanceID: "r-bp1zxszhcgatnx02", InstanceName: "sessions", SSLExpiredTime: in(200)},
		{InstanceID: "r-bp1zxszhcgatnx03", InstanceName: "thumbnails", SSLEnabled: "Disable"},
		{InstanceID: "r-bp1zxszhcgatnx04", InstanceName: "price-list", SSLExpiredTime: in(-3)},
		{InstanceID: "tt-bp1zxszhcgatnx05", InstanceName: "leaderboard", SSLExpiredTime: in(5), Tags: map[string]string{"env": "prod", "tairssl": "off"}},
		{InstanceID: "r-bp1zxszhcgatnx06", InstanceName: "search-index", SSLExpiredTime: in(90), CertCommonName: "old-endpoint.redis.rds.aliyuncs.com"},
		{InstanceID: "r-uf6zxszhcgatnx07", InstanceName: "carts-shanghai", RegionID: "cn-shanghai", SSLExpiredTime: in(25), Tags: map[string]string{"env": "prod"}},
		{InstanceID: "r-bp1zxszhcgatnx08", InstanceName: "job-queue", EngineVersion: "4.0", NoTLS: true},
		{InstanceID: "vy3e8c2a7b41d809", InstanceName: "page-fragments", InstanceType: "Memcache", EngineVersion: "4.0", ConnectionDomain: "vy3e8c2a7b41d809.m.cnhza.kvstore.aliyuncs.com"},
		{InstanceID: "r-bp1zxszhcgatnx10", InstanceName: "accounts-hangzhou", GlobalInstanceID: "gr-bp1zxszhcgatnx00", SSLExpiredTime: in(300)},
		{InstanceID: "r-bp1zxszhcgatnx11", InstanceName: "reports", InstanceStatus: "Inactive", SSLExpiredTime: in(150)},
	}
}
