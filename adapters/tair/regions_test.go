package tair

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tairssl/handler"
)

var errNoDial = errors.New("nobody is called here")

// world is a client without a network. It records the hosts of its connections, and how
// often it asks for a credential.
type world struct {
	*Client
	asked atomic.Int32
	dials chan string
}

func newWorld(o Options) *world {
	w := &world{dials: make(chan string, 64)}
	w.Client = New(func(context.Context) (Credential, error) {
		w.asked.Add(1)
		return Credential{AccessKeyID: "LTAI5tSecretKeyId", AccessKeySecret: "VerySecretKey"}, nil
	}, o)
	w.transport.Proxy = nil
	w.transport.DialContext = func(_ context.Context, _, addr string) (net.Conn, error) {
		w.dials <- addr
		return nil, errNoDial
	}
	return w
}

// central are the regions that share one public host. Every other region has its own
// host.
var central = []string{"cn-hangzhou", "cn-hangzhou-finance", "cn-heyuan", "cn-shanghai", "cn-wulanchabu"}

func TestEveryRegionIsAtTheHostOfTheTable(t *testing.T) {
	regions := Regions()
	if len(regions) != 37 || !slices.IsSorted(regions) || len(slices.Compact(slices.Clone(regions))) != 37 {
		t.Fatalf("the table has %d regions, want 37, sorted: %v", len(regions), regions)
	}
	for _, setting := range []string{"", "vpc"} {
		endpoint, err := ParseEndpoint(setting)
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(Options{Endpoint: endpoint, Rate: -1})
		for _, region := range regions {
			want := "r-kvstore." + region + ".aliyuncs.com"
			switch {
			case setting == "vpc":
				want = "r-kvstore-vpc." + region + ".aliyuncs.com"
			case slices.Contains(central, region):
				want = "r-kvstore.aliyuncs.com"
			}
			if !Known(region) || !handler.ValidRegion(region) {
				t.Errorf("%s is not known, or not a region's id", region)
			}
			_, err := w.Modify(context.Background(), handler.Ref{RegionID: region, InstanceID: "r-bp1zxszhcgatnx01"}, handler.Update, time.Now().Add(time.Minute))
			if err == nil {
				t.Fatalf("a call without a connection succeeds")
			}
			if got := <-w.dials; got != want+":443" {
				t.Errorf("with the endpoint %q %s is at %s, want %s", setting, region, got, want)
			}
		}
	}
}

func TestRegionThatOnlyTheOperatorKnows(t *testing.T) {
	for setting, want := range map[string]string{"": "r-kvstore.cn-new-1.aliyuncs.com:443", "vpc": "r-kvstore-vpc.cn-new-1.aliyuncs.com:443"} {
		endpoint, _ := ParseEndpoint(setting)
		w := newWorld(Options{Endpoint: endpoint, Rate: -1, Regions: []string{"cn-hangzhou", "cn-new-1"}})
		_, err := w.Modify(context.Background(), handler.Ref{RegionID: "cn-new-1", InstanceID: "r-bp1zxszhcgatnx01"}, handler.Update, time.Now().Add(time.Minute))
		if got := <-w.dials; err == nil || got != want {
			t.Errorf("with the endpoint %q it is at %s, want %s: %v", setting, got, want, err)
		}
	}
}

// every calls each action of the API in a region.
func every(c *Client, region string) map[string]error {
	ctx, ref := context.Background(), handler.Ref{RegionID: region, InstanceID: "r-bp1zxszhcgatnx01"}
	_, instance := c.Instance(ctx, ref)
	_, ssl := c.SSL(ctx, ref)
	_, list := c.List(ctx, region, handler.Filter{}, 1)
	_, schedule := c.Schedule(ctx, ref)
	_, modify := c.Modify(ctx, ref, handler.Update, time.Now().Add(time.Minute))
	_, identity := c.Identity(ctx, Endpoint{}, region)
	return map[string]error{
		"Instance": instance, "SSL": ssl, "List": list, "Schedule": schedule, "Move": c.Move(ctx, handler.Renewal{Ref: ref, ID: "7"}, time.Now(), time.Now().Add(time.Minute)), "Modify": modify, "Identity": identity,
		"Tag": c.Tag(ctx, ref, "a", "b"), "Untag": c.Untag(ctx, ref, "a"),
	}
}

// A region may come from a caller. With every kind of endpoint, it must not lead a signed
// request to a host that the caller chooses.
func TestNoOtherRegionIsSignedFor(t *testing.T) {
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	defer server.Close()
	hostile := []string{
		"oss-cn-hangzhou", "cn-hangzhou.evil", "cn-hangzhou-vpc", "CN-HANGZHOU", "", "../x", "cn-hangzhou@evil.com",
		"cn-hangzhou/", "cn-hangzhou#", "cn-hangzhou?a=b", "cn-hangzhou:8080", "cn-hangzhou ", "evil.com/", "{region}", "cn-beijing", strings.Repeat("a", 5000),
	}
	for _, setting := range []string{"", "vpc", server.URL, "https://api.{region}.example.com", "https://{region}"} {
		endpoint, err := ParseEndpoint(setting)
		if err != nil {
			t.Fatal(err)
		}
		for _, regions := range [][]string{{"cn-hangzhou", "cn-shanghai"}, nil, {"cn-hangzhou@evil.com", "../x", ""}} {
			for _, region := range hostile {
				if regions == nil && region == "cn-beijing" {
					continue // without settings the regions of the table are permitted
				}
				w := newWorld(Options{Endpoint: endpoint, Rate: -1, Regions: regions})
				for call, err := range every(w.Client, region) {
					e := handler.AsError(err)
					if err == nil || e.Kind != handler.Forbidden || e.Uncertain || !strings.Contains(e.Message, "TAIRSSL_REGION") || len(e.Message) > 1200 {
						t.Errorf("%s in %.30q with %q ends with %v", call, region, setting, err)
					}
				}
				if asked, dials := w.asked.Load(), len(w.dials); asked != 0 || dials != 0 || requests.Load() != 0 {
					t.Fatalf("for %.30q with %q there were %d requests for a credential, %d connections and %d requests", region, setting, asked, dials, requests.Load())
				}
			}
		}
	}
}

func TestOptionsAreCopied(t *testing.T) {
	regions := []string{"cn-hangzhou"}
	w := newWorld(Options{Regions: regions})
	regions[0] = "cn-beijing"
	if err := w.permit("DescribeInstances", "cn-beijing"); err == nil || !strings.Contains(err.Error(), "cn-beijing is not one of the regions of TAIRSSL_REGION (cn-hangzhou): add it there") {
		t.Errorf("a region that was added after New ends with %v", err)
	}
}
