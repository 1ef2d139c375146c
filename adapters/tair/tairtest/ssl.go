package tairtest

import (
	"fmt"
	"net/http"
	"strconv"
)

// The refusals of the actions, in the API's words.
var (
	notFound       = &refusal{http.StatusNotFound, "InvalidInstanceId.NotFound", "The specified instance does not exist."}
	badFormat      = &refusal{http.StatusBadRequest, "InvalidParameters.Format", "Specified parameters is not valid."}
	badVersion     = &refusal{http.StatusForbidden, "IncorrectEngineVersion", "Current engine version does not support operations."}
	badState       = &refusal{http.StatusForbidden, "IncorrectDBInstanceState", "Current DB instance state does not support this operation."}
	enabledAlready = &refusal{http.StatusBadRequest, "SSLEnabledStateExistsFault", "The SSL of the specified instance is already enabled."}
	disabledNow    = &refusal{http.StatusBadRequest, "SSLDisableStateExistsFault", "The SSL of the specified instance is already disabled."}
)

// instance returns the instance that a call names.
func (e *Emulator) instance(c call) (*instance, *refusal) {
	if c.params["InstanceId"] == "" {
		return nil, missing("InstanceId")
	}
	i := e.reached(c, c.params["InstanceId"])
	if i == nil {
		return nil, notFound
	}
	return i, nil
}

func modifyInstanceSSL(e *Emulator, c call) (object, *refusal) {
	i, wrong := e.instance(c)
	asked := c.params["SSLEnabled"]
	switch {
	case wrong != nil:
		return nil, wrong
	case asked == "":
		return nil, missing("SSLEnabled")
	case asked != "Enable" && asked != "Disable" && asked != "Update":
		return nil, badFormat
	case i.NoTLS:
		return nil, badVersion
	case i.InstanceStatus != "Normal":
		return nil, badState
	case asked == "Enable" && i.SSLEnabled == "Enable":
		return nil, enabledAlready
	case asked != "Enable" && i.SSLEnabled == "Disable":
		return nil, disabledNow
	}
	now := e.now()
	shows := now.Add(e.drawn(e.options.LagMin, e.options.Lag))
	i.accept(change{asked, shows, shows.Add(e.options.ChangeTime), e.signing}, now)
	return object{"InstanceId": i.InstanceID, "TaskId": strconv.Itoa(32184 + i.Restarts)}, nil
}

func describeInstanceSSL(e *Emulator, c call) (object, *refusal) {
	i, wrong := e.instance(c)
	switch {
	case wrong != nil:
		return nil, wrong
	case i.InstanceStatus == "Released":
		return nil, notFound
	case i.NoTLS:
		return nil, badVersion
	}
	s := e.seen(i)
	return object{"InstanceId": i.InstanceID, "SSLEnabled": s.enabled, "SSLExpiredTime": s.expires,
		"CertCommonName": s.name, "CertDownloadURL": c.url + fmt.Sprintf(archivePath, i.InstanceID)}, nil
}
