package handler_test

import (
	"net"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"tairssl/handler"
)

const named = "r-bp1zxszhcgatnx01"

func TestInstancesOutOfTexts(t *testing.T) {
	const old = "0f8a1b2c3d4e5f60"
	for text, want := range map[string]handler.Named{
		named:                {ID: named},
		"  " + named + " ":   {ID: named},
		"R-BP1ZXSZHCGATNX01": {ID: named},
		"tt-bp1zxszhcgat":    {ID: "tt-bp1zxszhcgat"},
		named + ":6379":      {ID: named},
		named + ".":          {ID: named},
		old:                  {ID: old},
		named[:16] + "pd":    {ID: named[:16] + "pd"}, // not an endpoint, so "pd" belongs to the id

		named + ".redis.rds.aliyuncs.com":                    {ID: named},
		named + ".redis.rds.aliyuncs.com.":                   {ID: named},
		named + ".redis.rds.aliyuncs.com:6379":               {ID: named},
		named + ".redis.rds.aliyuncs.com.:6379":              {ID: named},
		strings.ToUpper(named + ".redis.rds.aliyuncs.com"):   {ID: named},
		named + ".redis.cn-shanghai.rds.aliyuncs.com":        {ID: named, Region: "cn-shanghai"},
		named + ".redis.ap-southeast-3.rds.aliyuncs.com":     {ID: named, Region: "ap-southeast-3"},
		named + ".redis.singapore.rds.aliyuncs.com":          {ID: named, Region: "ap-southeast-1"},
		named + ".redis.zhangbei.rds.aliyuncs.com":           {ID: named, Region: "cn-zhangjiakou"},
		named + ".redis.atlantis.rds.aliyuncs.com":           {ID: named},
		named + ".redis.1-x.rds.aliyuncs.com":                {ID: named},
		"tt-bp1zxszhcgat.tairpena.rds.aliyuncs.com":          {ID: "tt-bp1zxszhcgat"},
		named + ".tairpena.cn-beijing.rds.aliyuncs.com:6380": {ID: named, Region: "cn-beijing"},
		old + ".redis.rds.aliyuncs.com":                      {ID: old},

		// Either a public endpoint, or a private endpoint of an instance whose id ends with pd.
		named + "pd.redis.rds.aliyuncs.com":                          {ID: named + "pd", OrID: named},
		named + "pd.redis.cn-beijing.rds.aliyuncs.com":               {ID: named + "pd", OrID: named, Region: "cn-beijing"},
		"r-abcdpd.redis.rds.aliyuncs.com":                            {ID: "r-abcdpd", OrID: "r-abcd"},
		"r-abpd.redis.rds.aliyuncs.com":                              {ID: "r-abpd"},
		"r-" + strings.Repeat("a", 40) + "pd.redis.rds.aliyuncs.com": {ID: "r-" + strings.Repeat("a", 40)},

		"redis://" + named + ".redis.rds.aliyuncs.com:6379":                                  {ID: named},
		"rediss://" + named + ".redis.rds.aliyuncs.com:6379/0":                               {ID: named},
		"rediss://user:pass@" + named + ".redis.rds.aliyuncs.com:6379":                       {ID: named},
		"rediss://:p@ss%zz@" + named + ".redis.rds.aliyuncs.com:6379/0":                      {ID: named},
		"http://" + named + ".redis.cn-shanghai.rds.aliyuncs.com/probe":                      {ID: named, Region: "cn-shanghai"},
		"https://" + named + ".redis.rds.aliyuncs.com?a=b@c":                                 {ID: named},
		"https://" + named + ".redis.rds.aliyuncs.com#x":                                     {ID: named},
		"REDISS://" + strings.ToUpper(named) + ".redis.rds.aliyuncs.com":                     {ID: named},
		"//" + named + ".redis.rds.aliyuncs.com:6379":                                        {ID: named},
		named + ".redis.rds.aliyuncs.com:6379/0":                                             {ID: named},
		"<http://" + named + ".redis.rds.aliyuncs.com|" + named + ".redis.rds.aliyuncs.com>": {ID: named},
		"<" + named + ">": {ID: named},
	} {
		if got, ok := handler.ParseInstance(text); !ok || got != want {
			t.Errorf("%q names %+v, %v; want %+v", text, got, ok, want)
		}
	}
}

func TestTextsThatNameNoInstance(t *testing.T) {
	for _, text := range []string{
		"", " ", ".", "://", "<>", "<|>", "r-", "r-abc", "orders-cache", "redis-exporter:9121", "10.0.0.9:9121", "[::1]:6379", "::1", "redis://[::1]:6379",
		"averylonghostname123:6379", "http://averylonghostname123/", "AVERYLONGHOSTNAME123", // alone and in lower case, these could be old ids
		named + "-conn1.redis.rds.aliyuncs.com", named + ".m.cnhza.kvstore.aliyuncs.com", "*.redis.rds.aliyuncs.com",
		named + ".redis.rds.aliyuncs.com.evil.com", named + ".redisrds.aliyuncs.com", named + ".rds.aliyuncs.com", named + "..rds.aliyuncs.com",
		named + ".redis..rds.aliyuncs.com", named + ".redis.cn-a.cn-b.rds.aliyuncs.com", named + ".redis.c_n.rds.aliyuncs.com",
		"rm-bp1zxszhcgatnx01.mysql.rds.aliyuncs.com", "0f8a1b2c3d4e5f60.mysql.rds.aliyuncs.com",
		"http://evil.com/" + named + ".redis.rds.aliyuncs.com", "http://evil.com/@" + named + ".redis.rds.aliyuncs.com", named + ".redis.rds.aliyuncs.com@evil.com",
		"r-bp1zxszhcgatnx0\u212a", named + " " + named, strings.Repeat("r-", 5000), "arn:aws:acm:eu-west-1:1:certificate/x", named + "@cn-beijing",
	} {
		if got, ok := handler.ParseInstance(text); ok || got != (handler.Named{}) {
			t.Errorf("%.80q names %+v, %v", text, got, ok)
		}
	}
}

func TestHostsOutOfTexts(t *testing.T) {
	for text, want := range map[string]string{
		"Cache.example.com:6379": "cache.example.com", "https://u:p@Cache.example.com/x": "cache.example.com", "<http://a.b|a.b>": "a.b", "cache": "cache", "10.0.0.9:9121": "10.0.0.9",
		"[fd00::1]:6379": "fd00::1", "fd00::1": "fd00::1", "redis://[fd00::1]:6379": "fd00::1", "кэш.example.com.:1": "кэш.example.com", "\u212aache": "\u212aache",
		"": "", "a:b:c": "", "://": "", "http://": "",
	} {
		if got := handler.Host(text); got != want {
			t.Errorf("the host of %q is %q, want %q", text, got, want)
		}
	}
}

func validID(id string) bool {
	return handler.Request{InstanceID: id, SSLEnabled: handler.Update}.Validate() == nil
}

// Every instance that is found in a text has a valid id. Endpoints that an older
// expression recognised are still recognised.
func FuzzParseInstance(f *testing.F) {
	endpoint := regexp.MustCompile(`^((?:r|tt)-[a-z0-9]{4,40}?)(?:pd)?\.[a-z0-9-]+(?:\.([a-z0-9-]+))?\.rds\.aliyuncs\.com$`)
	for _, text := range []string{
		named, named + "pd.redis.cn-beijing.rds.aliyuncs.com:6379", "rediss://:p@" + named + ".redis.singapore.rds.aliyuncs.com./0", "<http://a|b>", "[::1]:1", "//r-abcd:x",
		"0f8a1b2c3d4e5f60", "0f8a1b2c3d4e5f60pd.tairpena.zhangbei.rds.aliyuncs.com", "r-\u212abcd.redis.rds.aliyuncs.com",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, ok := handler.ParseInstance(text)
		switch {
		case !ok && n != (handler.Named{}):
			t.Errorf("%q names no instance, and %+v", text, n)
		case ok && (!validID(n.ID) || n.OrID != "" && (!validID(n.OrID) || n.OrID+"pd" != n.ID) || n.Region != "" && !handler.ValidRegion(n.Region)):
			t.Errorf("%q names %+v", text, n)
		}
		host := strings.TrimSpace(text)
		if u, err := url.Parse(host); err == nil && u.Host != "" {
			host = u.Hostname()
		} else if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if strings.ContainsFunc(host, func(r rune) bool { return r > 127 }) {
			return
		}
		if before := endpoint.FindStringSubmatch(strings.ToLower(strings.TrimSuffix(host, "."))); before != nil && before[1] != n.ID && before[1] != n.OrID {
			t.Errorf("%q named %s before, and now %+v", text, before[1], n)
		}
		if id := strings.HasPrefix(host, "r-") || strings.HasPrefix(host, "tt-"); id && validID(host) && n.ID != host {
			t.Errorf("%q named %s before, and now %+v", text, host, n)
		}
	})
}
