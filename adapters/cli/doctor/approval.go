package doctor

import (
	"fmt"
	"strings"

	"tairssl/handler"
)

// approvals warns of approval tags whose value is not valid.
func approvals(c census) []Finding {
	var bad []string
	for _, s := range c.seen {
		if value, there := s.Tags[handler.ApprovalTag]; there {
			if _, ok := handler.ParseApproval(value); !ok {
				bad = append(bad, s.InstanceID)
			}
		}
	}
	if bad == nil {
		return nil
	}
	return []Finding{warn(Region, handler.ApprovalTag+" in "+c.region, fmt.Sprintf("the value of the tag on %s is not valid, so it approves nothing", shortList(bad)), "remove the tag and approve again: tairssl approve "+bad[0])}
}

// shortList names the first three ids and counts the rest.
func shortList(ids []string) string {
	const most = 3
	if len(ids) <= most {
		return strings.Join(ids, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(ids[:most], ", "), len(ids)-most)
}
