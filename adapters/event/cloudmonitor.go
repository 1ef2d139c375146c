package event

import (
	"cmp"
	"strings"

	"tairssl/handler"
)

// cloudMonitor is the trigger of a system event that CloudMonitor pushes:
// {"product","resourceId":"acs:kvstore:cn-hangzhou:123:instance/r-…","name","level",…}.
// Some events have resourceID instead.
var cloudMonitor = trigger{"cloudmonitor", "a system event of CloudMonitor", isCloudMonitor, (*reader).cloudMonitor}

func isCloudMonitor(s shape) bool {
	return s.has("product") && (s.has("resourceId") || s.has("resourceID"))
}

func (r *reader) cloudMonitor(s shape) Asked {
	resource, name := cmp.Or(s.text("resourceId"), s.text("resourceID")), s.text("name")
	if strings.Contains(name, "CertKeyExpired") {
		return r.certificate("slb", r.names(s.raw("content"), resource)...)
	}
	if _, ours := ofResource(resource); !ours {
		return one("cloudmonitor", handler.Invalidf("the event is about %s, no instance of kvstore: let CloudMonitor send only system events of kvstore", resource))
	}
	return scheduled("cloudmonitor", name, resource)
}

// scheduledOperation is the only system event that announces Alibaba's own renewal of a
// certificate.
const scheduledOperation = "SystemMaintenance.ScheduledOperation:Scheduled"

// scheduled asks to renew the instance of a scheduled operation. Events with another name
// ask for nothing.
func scheduled(trigger, name, resource string) Asked {
	if !strings.Contains(name, scheduledOperation) {
		return one(trigger, handler.Unchangedf("%q asks for nothing", name))
	}
	instance, ok := ofResource(resource)
	if !ok {
		return one(trigger, handler.Invalidf("the resource %q names no instance of kvstore", resource))
	}
	return one(trigger, automatic(instance))
}
