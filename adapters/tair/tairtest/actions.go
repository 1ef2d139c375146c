package tairtest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	contentType = "application/json;charset=utf-8"
	apiVersion  = "2015-01-01"
	maxForm     = 1 << 20
)

// refusal is an error as the API answers it.
type refusal struct {
	status        int
	code, message string
}

func missing(parameter string) *refusal {
	return &refusal{http.StatusBadRequest, "Missing" + parameter, parameter + " is mandatory for this action."}
}

func invalid(parameter string) *refusal {
	return &refusal{http.StatusBadRequest, "InvalidParameter", "The specified parameter \"" + parameter + "\" is not valid."}
}

// The refusals of the operations, in the API's words.
var (
	notFound       = &refusal{http.StatusNotFound, "InvalidInstanceId.NotFound", "The specified instance does not exist."}
	badFormat      = &refusal{http.StatusBadRequest, "InvalidParameters.Format", "Specified parameters is not valid."}
	badState       = &refusal{http.StatusForbidden, "IncorrectDBInstanceState", "Current DB instance state does not support this operation."}
	enabledAlready = &refusal{http.StatusBadRequest, "SSLEnabledStateExistsFault", "The SSL of the specified instance is already enabled."}
	disabledNow    = &refusal{http.StatusBadRequest, "SSLDisableStateExistsFault", "The SSL of the specified instance is already disabled."}
)

type object = map[string]any

// params are a call's parameters; the methods read them by the API's names.
type params map[string]string

// action carries out a call; e.mu is held. host is where the caller found us.
type action func(e *Emulator, p params, host string) (object, *refusal)

var actions map[string]action

func init() {
	// Not a literal, for the table and Fault refer to each other.
	actions = map[string]action{
		"ModifyInstanceSSL": modifyInstanceSSL, "DescribeInstanceSSL": describeInstanceSSL,
		"DescribeInstances": describeInstances, "DescribeInstanceAttribute": describeInstanceAttribute,
		"TagResources": tagResources, "UntagResources": untagResources, "ListTagResources": listTagResources,
		"DescribeActiveOperationTasks": describeActiveOperationTasks,
	}
}

// openAPI answers a call: form, authenticity, fault, effect.
func (e *Emulator) openAPI(w http.ResponseWriter, r *http.Request) {
	if e.options.Latency > 0 {
		timer := time.NewTimer(e.options.Latency)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return
		}
	}
	p, wrong := read(w, r)
	if wrong == nil {
		wrong = e.authenticate(r.Method, p)
	}
	if wrong != nil {
		e.options.Logf("%s %s %s %d %s", r.Method, p["Action"], p["InstanceId"], wrong.status, wrong.code)
		refuse(w, r, wrong)
		return
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	e.mu.Lock()
	e.calls[p["Action"]]++
	kind := e.nextFault(p["Action"])
	var body object
	if kind == "" || faultKinds[kind] {
		body, wrong = actions[p["Action"]](e, p, scheme+"://"+r.Host)
	}
	e.mu.Unlock()
	status, code := http.StatusOK, "OK"
	if wrong != nil {
		status, code = wrong.status, wrong.code
	}
	e.options.Logf("%s %s %s %d %s %s", r.Method, p["Action"], p["InstanceId"], status, code, kind)
	switch {
	case e.suffer(w, r, kind):
	case wrong != nil:
		refuse(w, r, wrong)
	default:
		body["RequestId"] = requestID()
		answer(w, http.StatusOK, body)
	}
}

// read takes the parameters out of the query and a form.
func read(w http.ResponseWriter, r *http.Request) (params, *refusal) {
	p := params{}
	take := func(values url.Values) {
		for key := range values {
			p[key] = values.Get(key)
		}
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return p, invalid("query")
	}
	take(query)
	switch r.Method {
	case http.MethodGet:
	case http.MethodPost:
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
		if err != nil {
			return p, &refusal{http.StatusRequestEntityTooLarge, "RequestTooLarge", "The request is too large."}
		}
		if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
			form, err := url.ParseQuery(string(body))
			if err != nil {
				return p, invalid("body")
			}
			take(form)
		}
	default:
		return p, &refusal{http.StatusMethodNotAllowed, "UnsupportedHTTPMethod", "This http method is not supported."}
	}
	switch {
	case p["Action"] == "":
		return p, missing("Action")
	case p["Version"] == "":
		return p, missing("Version")
	case p["Version"] != apiVersion:
		return p, &refusal{http.StatusBadRequest, "InvalidVersion", "Specified parameter Version is not valid."}
	case actions[p["Action"]] == nil:
		return p, &refusal{http.StatusNotFound, "InvalidAction.NotFound", "Specified api is not found, please check your url and method."}
	}
	return p, nil
}

func refuse(w http.ResponseWriter, r *http.Request, f *refusal) {
	answer(w, f.status, object{"RequestId": requestID(), "HostId": r.Host, "Code": f.code, "Message": f.message,
		"Recommend": "https://api.aliyun.com/troubleshoot?q=" + url.QueryEscape(f.code)})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a caller that has gone needs no answer
}

func requestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("%X-%X-%X-%X-%X", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// instance is the one that a call names.
func (e *Emulator) instance(p params) (*instance, *refusal) {
	if p["InstanceId"] == "" {
		return nil, missing("InstanceId")
	}
	i := e.find(p["InstanceId"])
	if i == nil {
		return nil, notFound
	}
	return i, nil
}

func modifyInstanceSSL(e *Emulator, p params, _ string) (object, *refusal) {
	i, wrong := e.instance(p)
	asked := p["SSLEnabled"]
	switch {
	case wrong != nil:
		return nil, wrong
	case asked == "":
		return nil, missing("SSLEnabled")
	case asked != "Enable" && asked != "Disable" && asked != "Update":
		return nil, badFormat
	case i.InstanceStatus != "Normal":
		return nil, badState
	case asked == "Enable" && i.SSLEnabled == "Enable":
		return nil, enabledAlready
	case asked != "Enable" && i.SSLEnabled == "Disable":
		return nil, disabledNow
	}
	i.Restarts++
	shows := e.now().Add(e.options.Lag)
	i.pending = append(i.pending, change{asked, shows, shows.Add(e.options.ChangeTime)})
	return object{"InstanceId": i.InstanceID, "TaskId": strconv.Itoa(32184 + i.Restarts)}, nil
}

func describeInstanceSSL(e *Emulator, p params, host string) (object, *refusal) {
	i, wrong := e.instance(p)
	if wrong != nil {
		return nil, wrong
	}
	return object{"InstanceId": i.InstanceID, "SSLEnabled": i.SSLEnabled, "SSLExpiredTime": i.SSLExpiredTime,
		"CertCommonName": i.CertCommonName, "CertDownloadURL": host + "/emulator/ca.pem"}, nil
}

// describe is an instance as the API lists it.
func (i *instance) describe() object {
	tags := []object{}
	for _, key := range sortedKeys(i.Tags) {
		tags = append(tags, object{"Key": key, "Value": i.Tags[key]})
	}
	return object{"InstanceId": i.InstanceID, "InstanceName": i.InstanceID, "RegionId": i.RegionID, "InstanceStatus": i.InstanceStatus,
		"ConnectionDomain": i.ConnectionDomain, "Port": 6379, "Engine": "Redis", "EngineVersion": "7.0", "ArchitectureType": "standard",
		"MaintainStartTime": i.MaintainStartTime, "MaintainEndTime": i.MaintainEndTime, "Tags": object{"Tag": tags}}
}

func describeInstanceAttribute(e *Emulator, p params, _ string) (object, *refusal) {
	i, wrong := e.instance(p)
	if wrong != nil {
		return nil, wrong
	}
	return object{"Instances": object{"DBInstanceAttribute": []object{i.describe()}}}, nil
}

func describeInstances(e *Emulator, p params, _ string) (object, *refusal) {
	size, page, wrong := p.page(30, 50)
	if wrong != nil {
		return nil, wrong
	}
	ids := e.ids
	if list := p["InstanceIds"]; list != "" {
		ids = strings.Split(list, ",")
		if len(ids) > 30 {
			return nil, invalid("InstanceIds")
		}
		slices.Sort(ids)
	}
	tags, wrong := p.tags(5)
	if wrong != nil {
		return nil, wrong
	}
	total, rows := 0, []object{}
	for _, id := range ids {
		i := e.instances[id]
		if i == nil || p["RegionId"] != "" && i.RegionID != p["RegionId"] {
			continue
		}
		i.settle(e.now())
		if s := p["InstanceStatus"]; s != "" && i.InstanceStatus != s || !i.has(tags) {
			continue
		}
		if total >= (page-1)*size && len(rows) < size {
			rows = append(rows, i.describe())
		}
		total++
	}
	return object{"Instances": object{"KVStoreInstance": rows}, "TotalCount": total, "PageNumber": page, "PageSize": size}, nil
}

type tag struct{ key, value string }

func (i *instance) has(tags []tag) bool {
	for _, t := range tags {
		if v, ok := i.Tags[t.key]; !ok || t.value != "" && v != t.value {
			return false
		}
	}
	return true
}

const (
	maxTags     = 20
	maxTagKey   = 64
	maxTagValue = 128
)

func tagResources(e *Emulator, p params, _ string) (object, *refusal) {
	resources, wrong := e.resources(p)
	if wrong != nil {
		return nil, wrong
	}
	tags, wrong := p.tags(maxTags)
	switch {
	case wrong != nil:
		return nil, wrong
	case len(tags) == 0:
		return nil, missing("Tag")
	}
	for _, i := range resources {
		more := 0
		for _, t := range tags {
			if _, has := i.Tags[t.key]; !has {
				more++
			}
		}
		if len(i.Tags)+more > maxTags {
			return nil, &refusal{http.StatusBadRequest, "QuotaExceed.TagsPerResource", "The maximum number of tags for each resource is exceeded."}
		}
	}
	for _, i := range resources {
		for _, t := range tags {
			i.Tags[t.key] = t.value
		}
	}
	return object{}, nil
}

func untagResources(e *Emulator, p params, _ string) (object, *refusal) {
	resources, wrong := e.resources(p)
	if wrong != nil {
		return nil, wrong
	}
	keys := p.list("TagKey")
	if len(keys) == 0 && p["All"] != "true" {
		return nil, missing("TagKey")
	}
	for _, i := range resources {
		if p["All"] == "true" && len(keys) == 0 {
			clear(i.Tags)
		}
		for _, key := range keys {
			delete(i.Tags, key)
		}
	}
	return object{}, nil
}

func listTagResources(e *Emulator, p params, _ string) (object, *refusal) {
	if p["ResourceType"] == "" {
		return nil, missing("ResourceType")
	}
	ids := p.list("ResourceId")
	if len(ids) == 0 {
		ids = e.ids
	}
	tags, wrong := p.tags(maxTags)
	if wrong != nil {
		return nil, wrong
	}
	rows := []object{}
	for _, id := range ids {
		i := e.find(id)
		if i == nil || !i.has(tags) {
			continue
		}
		for _, key := range sortedKeys(i.Tags) {
			rows = append(rows, object{"ResourceId": id, "ResourceType": "ALIYUN::KVSTORE::INSTANCE", "TagKey": key, "TagValue": i.Tags[key]})
		}
	}
	return object{"TagResources": object{"TagResource": rows}, "NextToken": ""}, nil
}

func describeActiveOperationTasks(e *Emulator, p params, _ string) (object, *refusal) {
	size, page, wrong := p.page(25, 100)
	if wrong != nil {
		return nil, wrong
	}
	total, rows := 0, []object{}
	for _, id := range e.ids {
		i := e.instances[id]
		for n, t := range i.ActiveOperationTasks {
			if typ := p["TaskType"]; typ != "" && typ != "all" && t.TaskType != typ || p["InsName"] != "" && p["InsName"] != id ||
				p["Status"] != "" && p["Status"] != "-1" && p["Status"] != strconv.Itoa(t.Status) {
				continue
			}
			if total >= (page-1)*size && len(rows) < size {
				rows = append(rows, object{"Id": n + 1, "InsName": id, "DbType": "redis", "TaskType": t.TaskType, "Status": t.Status, "StartTime": t.StartTime, "Region": i.RegionID})
			}
			total++
		}
	}
	return object{"Items": rows, "TotalRecordCount": total, "PageNumber": page, "PageSize": size}, nil
}

// page reads PageSize and PageNumber.
func (p params) page(size, most int) (int, int, *refusal) {
	number := 1
	for name, into := range map[string]*int{"PageSize": &size, "PageNumber": &number} {
		if p[name] == "" {
			continue
		}
		n, err := strconv.Atoi(p[name])
		if err != nil || n < 1 || name == "PageSize" && n > most || n > 1<<20 {
			return 0, 0, invalid(name)
		}
		*into = n
	}
	return size, number, nil
}

// list reads Name.1, Name.2 and so on.
func (p params) list(name string) (values []string) {
	for n := 1; ; n++ {
		v, ok := p[name+"."+strconv.Itoa(n)]
		if !ok {
			return values
		}
		values = append(values, v)
	}
}

// tags reads Tag.N.Key and Tag.N.Value.
func (p params) tags(most int) (tags []tag, wrong *refusal) {
	for n := 1; ; n++ {
		prefix := "Tag." + strconv.Itoa(n)
		key, ok := p[prefix+".Key"]
		switch value := p[prefix+".Value"]; {
		case !ok:
			return tags, nil
		case key == "" || len(key) > maxTagKey:
			return nil, invalid(prefix + ".Key")
		case len(value) > maxTagValue:
			return nil, invalid(prefix + ".Value")
		case n > most:
			return nil, invalid("Tag")
		default:
			tags = append(tags, tag{key, value})
		}
	}
}

// resources are the instances that ResourceId.N names.
func (e *Emulator) resources(p params) (found []*instance, wrong *refusal) {
	ids := p.list("ResourceId")
	switch {
	case p["ResourceType"] == "":
		return nil, missing("ResourceType")
	case !strings.EqualFold(p["ResourceType"], "INSTANCE"):
		return nil, invalid("ResourceType")
	case len(ids) == 0:
		return nil, missing("ResourceId")
	}
	for _, id := range ids {
		i := e.find(id)
		if i == nil {
			return nil, notFound
		}
		found = append(found, i)
	}
	return found, nil
}
