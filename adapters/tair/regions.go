package tair

import (
	"cmp"
	"slices"
)

// place holds the OpenAPI hosts of one region.
type place struct{ region, public, vpc string }

// places are the regions of the product R-kvstore, sorted by id. Source: Alibaba's API
// metadata of 2026-04-21. The SDK's own table ends in 2025-04 and sends some regions to an
// endpoint that does not know their instances.
var places = [...]place{
	{"ap-northeast-1", "r-kvstore.ap-northeast-1.aliyuncs.com", "r-kvstore-vpc.ap-northeast-1.aliyuncs.com"},
	{"ap-northeast-2", "r-kvstore.ap-northeast-2.aliyuncs.com", "r-kvstore-vpc.ap-northeast-2.aliyuncs.com"},
	{"ap-south-1", "r-kvstore.ap-south-1.aliyuncs.com", "r-kvstore-vpc.ap-south-1.aliyuncs.com"},
	{"ap-southeast-1", "r-kvstore.ap-southeast-1.aliyuncs.com", "r-kvstore-vpc.ap-southeast-1.aliyuncs.com"},
	{"ap-southeast-2", "r-kvstore.ap-southeast-2.aliyuncs.com", "r-kvstore-vpc.ap-southeast-2.aliyuncs.com"},
	{"ap-southeast-3", "r-kvstore.ap-southeast-3.aliyuncs.com", "r-kvstore-vpc.ap-southeast-3.aliyuncs.com"},
	{"ap-southeast-5", "r-kvstore.ap-southeast-5.aliyuncs.com", "r-kvstore-vpc.ap-southeast-5.aliyuncs.com"},
	{"ap-southeast-6", "r-kvstore.ap-southeast-6.aliyuncs.com", "r-kvstore-vpc.ap-southeast-6.aliyuncs.com"},
	{"ap-southeast-7", "r-kvstore.ap-southeast-7.aliyuncs.com", "r-kvstore-vpc.ap-southeast-7.aliyuncs.com"},
	{"cn-beijing", "r-kvstore.cn-beijing.aliyuncs.com", "r-kvstore-vpc.cn-beijing.aliyuncs.com"},
	{"cn-beijing-finance-1", "r-kvstore.cn-beijing-finance-1.aliyuncs.com", "r-kvstore-vpc.cn-beijing-finance-1.aliyuncs.com"},
	{"cn-chengdu", "r-kvstore.cn-chengdu.aliyuncs.com", "r-kvstore-vpc.cn-chengdu.aliyuncs.com"},
	{"cn-fuzhou", "r-kvstore.cn-fuzhou.aliyuncs.com", "r-kvstore-vpc.cn-fuzhou.aliyuncs.com"},
	{"cn-guangzhou", "r-kvstore.cn-guangzhou.aliyuncs.com", "r-kvstore-vpc.cn-guangzhou.aliyuncs.com"},
	{"cn-hangzhou", "r-kvstore.aliyuncs.com", "r-kvstore-vpc.cn-hangzhou.aliyuncs.com"},
	{"cn-hangzhou-finance", "r-kvstore.aliyuncs.com", "r-kvstore-vpc.cn-hangzhou-finance.aliyuncs.com"},
	{"cn-heyuan", "r-kvstore.aliyuncs.com", "r-kvstore-vpc.cn-heyuan.aliyuncs.com"},
	{"cn-hongkong", "r-kvstore.cn-hongkong.aliyuncs.com", "r-kvstore-vpc.cn-hongkong.aliyuncs.com"},
	{"cn-huhehaote", "r-kvstore.cn-huhehaote.aliyuncs.com", "r-kvstore-vpc.cn-huhehaote.aliyuncs.com"},
	{"cn-nanjing", "r-kvstore.cn-nanjing.aliyuncs.com", "r-kvstore-vpc.cn-nanjing.aliyuncs.com"},
	{"cn-qingdao", "r-kvstore.cn-qingdao.aliyuncs.com", "r-kvstore-vpc.cn-qingdao.aliyuncs.com"},
	{"cn-shanghai", "r-kvstore.aliyuncs.com", "r-kvstore-vpc.cn-shanghai.aliyuncs.com"},
	{"cn-shanghai-finance-1", "r-kvstore.cn-shanghai-finance-1.aliyuncs.com", "r-kvstore-vpc.cn-shanghai-finance-1.aliyuncs.com"},
	{"cn-shenzhen", "r-kvstore.cn-shenzhen.aliyuncs.com", "r-kvstore-vpc.cn-shenzhen.aliyuncs.com"},
	{"cn-shenzhen-finance-1", "r-kvstore.cn-shenzhen-finance-1.aliyuncs.com", "r-kvstore-vpc.cn-shenzhen-finance-1.aliyuncs.com"},
	{"cn-wuhan-lr", "r-kvstore.cn-wuhan-lr.aliyuncs.com", "r-kvstore-vpc.cn-wuhan-lr.aliyuncs.com"},
	{"cn-wulanchabu", "r-kvstore.aliyuncs.com", "r-kvstore-vpc.cn-wulanchabu.aliyuncs.com"},
	{"cn-zhangjiakou", "r-kvstore.cn-zhangjiakou.aliyuncs.com", "r-kvstore-vpc.cn-zhangjiakou.aliyuncs.com"},
	{"cn-zhengzhou-jva", "r-kvstore.cn-zhengzhou-jva.aliyuncs.com", "r-kvstore-vpc.cn-zhengzhou-jva.aliyuncs.com"},
	{"eu-central-1", "r-kvstore.eu-central-1.aliyuncs.com", "r-kvstore-vpc.eu-central-1.aliyuncs.com"},
	{"eu-west-1", "r-kvstore.eu-west-1.aliyuncs.com", "r-kvstore-vpc.eu-west-1.aliyuncs.com"},
	{"me-central-1", "r-kvstore.me-central-1.aliyuncs.com", "r-kvstore-vpc.me-central-1.aliyuncs.com"},
	{"me-east-1", "r-kvstore.me-east-1.aliyuncs.com", "r-kvstore-vpc.me-east-1.aliyuncs.com"},
	{"na-south-1", "r-kvstore.na-south-1.aliyuncs.com", "r-kvstore-vpc.na-south-1.aliyuncs.com"},
	{"us-east-1", "r-kvstore.us-east-1.aliyuncs.com", "r-kvstore-vpc.us-east-1.aliyuncs.com"},
	{"us-southeast-1", "r-kvstore.us-southeast-1.aliyuncs.com", "r-kvstore-vpc.us-southeast-1.aliyuncs.com"},
	{"us-west-1", "r-kvstore.us-west-1.aliyuncs.com", "r-kvstore-vpc.us-west-1.aliyuncs.com"},
}

// placeOf looks up a region in the table.
func placeOf(region string) (place, bool) {
	i, known := slices.BinarySearchFunc(places[:], region, func(p place, region string) int { return cmp.Compare(p.region, region) })
	if !known {
		return place{}, false
	}
	return places[i], true
}

// Regions returns the ids of the regions that this version knows, sorted.
func Regions() []string {
	ids := make([]string, 0, len(places))
	for _, p := range places {
		ids = append(ids, p.region)
	}
	return ids
}

// Known reports whether this version knows a region.
func Known(region string) bool {
	_, known := placeOf(region)
	return known
}
