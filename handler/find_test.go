package handler_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"tairssl/handler"
	"tairssl/handler/handlertest"
)

// call sets the names and endpoints of a cloud's instances.
func call(c *handlertest.Cloud, names map[string]string) {
	for id, name := range names {
		c.Change(id, func(o *handler.Observation) { o.Name, o.ConnectionDomain = name, id+".redis.rds.aliyuncs.com" })
	}
}

const (
	orders   = "r-bp1zxszhcgatnx01"
	carts    = "r-2zezxszhcgatnx02"
	oldStyle = "0f8a1b2c3d4e5f60"
)

// company has two instances in cn-hangzhou and two in cn-beijing.
func company() (*handlertest.Cloud, *handler.Handler) {
	c, h := fleet([]string{"cn-hangzhou", "cn-beijing"}, map[string]string{orders: "cn-hangzhou", "r-bp1zxszhcgatnx03": "cn-hangzhou", carts: "cn-beijing", oldStyle: "cn-beijing"})
	call(c, map[string]string{orders: "orders-cache", "r-bp1zxszhcgatnx03": "orders-cache-2", carts: "carts", oldStyle: "购物车.v2"})
	c.Change(carts, func(o *handler.Observation) { o.ConnectionDomain = "carts-of-the-company.redis.rds.aliyuncs.com" })
	return c, h
}

func TestAPersonNamesAnInstance(t *testing.T) {
	_, h := company()
	for text, want := range map[string]string{
		orders:                                  orders,
		" " + strings.ToUpper(orders) + " ":     orders,
		orders + ".redis.rds.aliyuncs.com":      orders,
		orders + ".redis.rds.aliyuncs.com:6379": orders,
		orders + "pd.redis.rds.aliyuncs.com":    orders,
		"rediss://:secret@" + orders + ".redis.rds.aliyuncs.com:6379/0":                        orders,
		"<http://" + orders + ".redis.rds.aliyuncs.com|" + orders + ".redis.rds.aliyuncs.com>": orders,
		carts + ".redis.cn-beijing.rds.aliyuncs.com":                                           carts,
		oldStyle:       oldStyle,
		"orders-cache": orders,
		"Orders-cache": orders,
		"ORDERS-CACHE": orders,
		"carts":        carts,
		"购物车.v2":       oldStyle,
		"carts-of-the-company.redis.rds.aliyuncs.com":              carts,
		"Carts-of-the-company.redis.rds.aliyuncs.com.":             carts,
		"redis://carts-of-the-company.redis.rds.aliyuncs.com:6379": carts,
		"<http://carts-of-the-company.redis.rds.aliyuncs.com|x>":   carts,
	} {
		l, err := h.Find(context.Background(), text, nil)
		if err != nil || l.InstanceID != want {
			t.Errorf("%q is found as %q, %v; want %s", text, l.InstanceID, err, want)
			continue
		}
		region := "cn-hangzhou"
		if want == carts || want == oldStyle {
			region = "cn-beijing"
		}
		if l.RegionID != region || l.Name == "" || l.Status != "Normal" {
			t.Errorf("%q is found in %s, named %q, %s", text, l.RegionID, l.Name, l.Status)
		}
	}
}

func TestAPersonNamesNoInstance(t *testing.T) {
	_, h := company()
	for text, want := range map[string]struct {
		kind handler.Kind
		says string
	}{
		"r-bp1gone0000000000":              {handler.NotFound, `no instance "r-bp1gone0000000000" in cn-hangzhou, cn-beijing: check its id, endpoint or name, and TAIRSSL_REGION`},
		"order":                            {handler.NotFound, `no instance "order"`}, // a part of a name is not enough
		"orders":                           {handler.NotFound, `no instance "orders"`},
		"10.0.0.9:6379":                    {handler.Invalid, "is not an instance id"},
		"r/x":                              {handler.Invalid, `"r/x" is not an instance id, an endpoint or a possible name`},
		"gone.redis.rds.aliyuncs.com":      {handler.NotFound, "no instance"},
		"gone.redis.rds.aliyuncs.com:6379": {handler.NotFound, "no instance"},
		orders + "pd.redis.cn-shanghai.rds.aliyuncs.com":         {"", ""}, // the instance's region counts, not the region in the endpoint
		"r-bp1gone0000000000.redis.cn-shanghai.rds.aliyuncs.com": {handler.Forbidden, "cn-shanghai is not one of the regions of TAIRSSL_REGION"},
		"":                       {handler.Invalid, "name an instance"},
		"<>":                     {handler.Invalid, "name an instance"},
		strings.Repeat("x", 300): {handler.Invalid, "at most 256 characters"},
	} {
		l, err := h.Find(context.Background(), text, nil)
		if want.kind == "" {
			if err != nil || l.InstanceID == "" {
				t.Errorf("%q is found as %+v, %v", text, l, err)
			}
			continue
		}
		if !errors.Is(err, want.kind) || !strings.Contains(err.Error(), want.says) || l.InstanceID != "" {
			t.Errorf("%.40q is found as %q, %v; want %s: %s", text, l.InstanceID, err, want.kind, want.says)
		}
	}
}

func TestAPasswordOfAURLIsNotQuoted(t *testing.T) {
	c, h := company()
	texts := []string{"rediss://u:hunter2@gone.redis.rds.aliyuncs.com:6379/0", "redis://:hunter2@10.0.0.9:6379", "redis://:hunter2@[::1]:6379", "u:hunter2@" + orders, "hunter2@orders", "u:hunter2@[::1]:6379", "//u:hunter2@r-bp1gone"}
	for range 2 {
		for _, text := range texts {
			if _, err := h.Find(context.Background(), text, nil); err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s ends with %v", text, err)
			}
		}
		c.OnList = func(string, int) error { return handler.Errorf(handler.Unavailable, "it is down") }
	}
}

func TestANameOfSeveralInstances(t *testing.T) {
	c, h := company()
	call(c, map[string]string{orders: "cache", carts: "Cache", oldStyle: "caches"})
	_, err := h.Find(context.Background(), "cache", nil)
	// The API of this cloud distinguishes upper and lower case, so the other instance is
	// not found.
	if err != nil {
		t.Errorf("the one instance that is written so is not found: %v", err)
	}
	call(c, map[string]string{carts: "cache"})
	_, err = h.Find(context.Background(), "cache", nil)
	if want := `2 instances are called "cache": ` + carts + ", " + orders + "; say which by its id"; !errors.Is(err, handler.Invalid) || !strings.Contains(err.Error(), want) {
		t.Errorf("a name of two instances ends with %v, want %s", err, want)
	}
	hidden := func(l handler.Listed) bool { return l.InstanceID != carts }
	if l, err := h.Find(context.Background(), "cache", hidden); err != nil || l.InstanceID != orders {
		t.Errorf("of two of a name the one that may be seen is found as %q, %v", l.InstanceID, err)
	}
}

func TestAnIdCountsForMoreThanAName(t *testing.T) {
	c, h := company()
	call(c, map[string]string{orders: oldStyle, carts: "ordersproduction1"})
	if l, err := h.Find(context.Background(), oldStyle, nil); err != nil || l.InstanceID != oldStyle {
		t.Errorf("an id that another instance is called by is found as %q, %v", l.InstanceID, err)
	}
	if l, err := h.Find(context.Background(), "ordersproduction1", nil); err != nil || l.InstanceID != carts {
		t.Errorf("a name that looks like an old id is found as %q, %v", l.InstanceID, err)
	}
	const gone = "r-bp1gone0000000000"
	call(c, map[string]string{carts: gone})
	if l, err := h.Find(context.Background(), gone, nil); !errors.Is(err, handler.NotFound) {
		t.Errorf("the id of an instance that is gone leads to %q, which only has its name; %v", l.InstanceID, err)
	}
}

// An instance that the person may not see gets the same answer as an instance that does
// not exist.
func TestWhatMayNotBeSeenIsNotThere(t *testing.T) {
	_, h := company()
	hides := func(l handler.Listed) bool { return l.InstanceID != orders }
	for _, text := range []string{orders, orders + ".redis.rds.aliyuncs.com", "orders-cache"} {
		_, hidden := h.Find(context.Background(), text, hides)
		_, bare := fleet([]string{"cn-hangzhou", "cn-beijing"}, nil)
		_, gone := bare.Find(context.Background(), text, nil)
		if hidden == nil || gone == nil || hidden.Error() != gone.Error() {
			t.Errorf("%s is hidden by %q, and gone by %q", text, hidden, gone)
		}
	}
}

func TestFindWhileARegionIsDown(t *testing.T) {
	c, h := company()
	c.OnList = func(region string, _ int) error {
		if region == "cn-beijing" {
			return handler.Errorf(handler.Forbidden, "the role may not call kvstore:DescribeInstances")
		}
		return nil
	}
	for _, text := range []string{carts, carts + ".redis.rds.aliyuncs.com", "carts", "carts-of-the-company.redis.rds.aliyuncs.com", oldStyle, "r-bp1gone0000000000"} {
		_, err := h.Find(context.Background(), text, nil)
		if !errors.Is(err, handler.Unavailable) || !strings.Contains(err.Error(), "cn-beijing could not be listed: the role may not call kvstore:DescribeInstances") {
			t.Errorf("%s, which may be in the region that is down, ends with %v", text, err)
		}
	}
	for _, text := range []string{orders, orders + "pd.redis.rds.aliyuncs.com"} {
		if l, err := h.Find(context.Background(), text, nil); err != nil || l.InstanceID != orders {
			t.Errorf("%s of the other region is found as %q, %v", text, l.InstanceID, err)
		}
	}
	// Another instance with this name may be in the region that could not be read.
	_, err := h.Find(context.Background(), "orders-cache", nil)
	if !errors.Is(err, handler.Unavailable) || !strings.Contains(err.Error(), orders) || !strings.Contains(err.Error(), "use the id") {
		t.Errorf("a name ends with %v", err)
	}
}

func TestFindInALargeRegion(t *testing.T) {
	instances := map[string]string{}
	for n := range 1001 {
		instances[fmt.Sprintf("r-bp1%015d", n)] = "cn-hangzhou"
	}
	c, h := fleet([]string{"cn-hangzhou"}, instances)
	const last = "r-bp1000000000001000"
	call(c, map[string]string{last: "last"})
	for _, text := range []string{last, "last"} {
		if l, err := h.Find(context.Background(), text, nil); err != nil || l.InstanceID != last {
			t.Errorf("%s is found as %q, %v", text, l.InstanceID, err)
		}
	}
	_, err := h.Find(context.Background(), "custom.redis.rds.aliyuncs.com", nil)
	if !errors.Is(err, handler.Invalid) || !strings.Contains(err.Error(), "more than 1000 instances to look through in cn-hangzhou: name the instance by its id") {
		t.Errorf("an endpoint of its own name, in a region that is too large, ends with %v", err)
	}
	c.Change("r-bp1000000000000000", func(o *handler.Observation) { o.ConnectionDomain = "custom.redis.rds.aliyuncs.com" })
	if l, err := h.Find(context.Background(), "custom.redis.rds.aliyuncs.com", nil); err != nil || l.InstanceID != "r-bp1000000000000000" {
		t.Errorf("one that is among the first 1000 is found as %q, %v", l.InstanceID, err)
	}
}
