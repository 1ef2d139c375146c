package tairtest

import (
	"slices"
	"strings"
)

// describe returns an instance in the form of the API's listings.
func (i *instance) describe(status string) object {
	tags := []object{}
	for _, key := range sortedKeys(i.shown) {
		tags = append(tags, object{"Key": key, "Value": i.shown[key]})
	}
	engine, port := "Redis", 6379
	if i.InstanceType == "Memcache" {
		engine, port = "Memcache", 11211
	}
	if i.plane != nil {
		port = i.plane.port()
	}
	return object{"InstanceId": i.InstanceID, "InstanceName": i.InstanceName, "RegionId": i.RegionID, "InstanceStatus": status,
		"InstanceType": i.InstanceType, "GlobalInstanceId": i.GlobalInstanceID, "ZoneId": i.RegionID + "-h", "NetworkType": "VPC", "ChargeType": "PrePaid",
		"ConnectionDomain": i.ConnectionDomain, "Port": port, "Engine": engine, "EngineVersion": i.EngineVersion, "ArchitectureType": "standard",
		"MaintainStartTime": i.MaintainStartTime, "MaintainEndTime": i.MaintainEndTime, "Tags": object{"Tag": tags}}
}

func describeInstanceAttribute(e *Emulator, c call) (object, *refusal) {
	i, wrong := e.instance(c)
	if wrong != nil {
		return nil, wrong
	}
	return object{"Instances": object{"DBInstanceAttribute": []object{i.describe(e.seen(i).status)}}}, nil
}

// listed returns the instances of the call's region, sorted by id.
func (e *Emulator) listed(c call) (found []*instance) {
	for _, i := range e.sorted {
		if i.RegionID == c.region {
			found = append(found, i)
		}
	}
	return found
}

// named returns the instances of these ids that a call reaches, sorted and without
// duplicates. It skips all other ids.
func (e *Emulator) named(c call, ids []string) (found []*instance) {
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if i := e.reached(c, id); i != nil {
			found = append(found, i)
		}
	}
	return found
}

func describeInstances(e *Emulator, c call) (object, *refusal) {
	size, page, wrong := c.page(30, 50)
	if wrong != nil {
		return nil, wrong
	}
	var ids []string
	if list := c.params["InstanceIds"]; list != "" {
		if ids = strings.Split(list, ","); len(ids) > 30 {
			return nil, invalid("InstanceIds")
		}
	}
	tags, wrong := c.tags(5)
	members := c.params["GlobalInstance"]
	switch {
	case wrong != nil:
		return nil, wrong
	case members != "" && members != "true" && members != "false":
		return nil, invalid("GlobalInstance")
	case len(tags) > 0 && c.params["RegionId"] == "":
		return nil, missing("RegionId")
	}
	candidates := e.sorted
	if ids != nil {
		candidates = e.named(c, ids)
	}
	status, key, now := c.params["InstanceStatus"], c.params["SearchKey"], e.now()
	total, rows := 0, []object{}
	for _, i := range candidates {
		if i.RegionID != c.region || key != "" && !strings.Contains(i.InstanceID, key) && !strings.Contains(i.InstanceName, key) {
			continue
		}
		if members != "" && (members == "true") != (i.GlobalInstanceID != "") {
			continue
		}
		i.settle(now)
		if len(tags) > 0 && !i.has(tags) || status != "" && e.seen(i).status != status {
			continue
		}
		if total >= (page-1)*size && len(rows) < size {
			shown := status // the instance has just matched this status
			if shown == "" {
				shown = e.seen(i).status
			}
			rows = append(rows, i.describe(shown))
		}
		total++
	}
	return object{"Instances": object{"KVStoreInstance": rows}, "TotalCount": total, "PageNumber": page, "PageSize": size}, nil
}
