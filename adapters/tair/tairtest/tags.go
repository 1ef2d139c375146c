package tairtest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

type tag struct{ key, value string }

const (
	maxTags     = 20
	maxTagKey   = 64
	maxTagValue = 128
	// maxResources is the largest number of instances in one tagging call.
	maxResources = 50
)

// The refusals of tags. Alibaba publishes neither code. The code for a tag policy begins
// like the code for a missing right, which is the hardest case for a client.
var (
	tooManyTags = &refusal{http.StatusBadRequest, "QuotaExceed.TagsPerResource", "The maximum number of tags for each resource is exceeded."}
	tagPolicy   = &refusal{http.StatusForbidden, "Forbidden.TagPolicy", "The tags do not comply with the tag policy of your resource directory."}
)

// TagPolicy sets a tag policy. TagResources is then refused if one of its keys matches one
// of the patterns, in which * stands for any text and ? for one character. Without
// patterns every key is accepted.
func (e *Emulator) TagPolicy(keys ...string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tagPolicy = append([]string{}, keys...)
}

func tagResources(e *Emulator, c call) (object, *refusal) {
	resources, wrong := e.resources(c)
	if wrong != nil {
		return nil, wrong
	}
	tags, wrong := c.tags(maxTags)
	switch {
	case wrong != nil:
		return nil, wrong
	case len(tags) == 0:
		return nil, missing("Tag")
	}
	for _, t := range tags {
		if matches(e.tagPolicy, t.key) {
			return nil, tagPolicy
		}
	}
	for _, i := range resources {
		after := maps.Clone(i.Tags)
		for _, t := range tags {
			after[t.key] = t.value
		}
		if len(after) > maxTags {
			return nil, tooManyTags
		}
	}
	for _, i := range resources {
		for _, t := range tags {
			i.Tags[t.key] = t.value
			e.showTag(i, tagging{key: t.key, value: t.value, set: true})
		}
		i.settle(e.now())
	}
	return object{}, nil
}

func untagResources(e *Emulator, c call) (object, *refusal) {
	resources, wrong := e.resources(c)
	if wrong != nil {
		return nil, wrong
	}
	keys := c.list("TagKey")
	all := len(keys) == 0 && c.params["All"] == "true"
	if len(keys) == 0 && !all {
		return nil, missing("TagKey")
	}
	for _, i := range resources {
		if all {
			keys = sortedKeys(i.Tags)
		}
		for _, key := range keys {
			delete(i.Tags, key)
			e.showTag(i, tagging{key: key})
		}
		i.settle(e.now())
	}
	return object{}, nil
}

// tagging is a change of a tag that is not visible yet.
type tagging struct {
	key, value string
	set        bool
	shows      time.Time
}

// showTag makes a change of a tag visible after its delay.
func (e *Emulator) showTag(i *instance, t tagging) {
	t.shows = e.now().Add(e.drawn(e.options.TagLagMin, e.options.TagLag))
	i.tagged = append(i.tagged, t)
}

// settleTags makes the changes of tags visible whose delay is over. Each key has its own
// delay. If a later change of a key becomes visible first, the earlier one is dropped.
func (i *instance) settleTags(now time.Time) {
	if len(i.tagged) == 0 {
		return
	}
	var hidden []tagging
	shown := map[string]bool{}
	for n := len(i.tagged) - 1; n >= 0; n-- { // latest first
		switch t := i.tagged[n]; {
		case shown[t.key]:
		case now.Before(t.shows):
			hidden = append([]tagging{t}, hidden...)
		default:
			shown[t.key] = true
			if t.set {
				i.shown[t.key] = t.value
			} else {
				delete(i.shown, t.key)
			}
		}
	}
	i.tagged = hidden
}

func listTagResources(e *Emulator, c call) (object, *refusal) {
	switch {
	case c.params["RegionId"] == "":
		return nil, missing("RegionId")
	case c.params["ResourceType"] == "":
		return nil, missing("ResourceType")
	}
	var candidates []*instance
	if ids := c.list("ResourceId"); len(ids) > 0 {
		candidates = e.named(c, ids)
	} else {
		candidates = e.listed(c)
	}
	tags, wrong := c.tags(maxTags)
	if wrong != nil {
		return nil, wrong
	}
	rows := []object{}
	for _, i := range candidates {
		i.settle(e.now())
		if !i.has(tags) {
			continue
		}
		for _, key := range sortedKeys(i.shown) {
			rows = append(rows, object{"ResourceId": i.InstanceID, "ResourceType": "ALIYUN::KVSTORE::INSTANCE", "TagKey": key, "TagValue": i.shown[key]})
		}
	}
	return object{"TagResources": object{"TagResource": rows}, "NextToken": ""}, nil
}

// resources returns the instances that ResourceId.N names.
func (e *Emulator) resources(c call) (found []*instance, wrong *refusal) {
	ids := c.list("ResourceId")
	switch {
	case c.params["RegionId"] == "":
		return nil, missing("RegionId")
	case c.params["ResourceType"] == "":
		return nil, missing("ResourceType")
	case !strings.EqualFold(c.params["ResourceType"], "INSTANCE"):
		return nil, invalid("ResourceType")
	case len(ids) == 0:
		return nil, missing("ResourceId")
	case len(ids) > maxResources:
		return nil, invalid("ResourceId")
	}
	for _, id := range ids {
		i := e.reached(c, id)
		if i == nil {
			return nil, notFound
		}
		found = append(found, i)
	}
	return found, nil
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// has reports whether an instance shows the tags; an empty value fits any value.
func (i *instance) has(tags []tag) bool {
	for _, t := range tags {
		if v, ok := i.shown[t.key]; !ok || t.value != "" && v != t.value {
			return false
		}
	}
	return true
}

// checkTag returns the part of a tag whose length is wrong, Key or Value, or "".
func checkTag(key, value string) (wrong string) {
	switch {
	case key == "" || utf8.RuneCountInString(key) > maxTagKey:
		return "Key"
	case utf8.RuneCountInString(value) > maxTagValue:
		return "Value"
	}
	return ""
}
