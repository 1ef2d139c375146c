package tairtest

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	contentType = "application/json;charset=utf-8"
	apiVersion  = "2015-01-01"
	stsVersion  = "2015-04-01"
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
		"DescribeActiveOperationTasks": describeActiveOperationTasks, "GetCallerIdentity": getCallerIdentity,
	}
}

// openAPI answers a call: form, authenticity, fault, effect.
func (e *Emulator) openAPI(w http.ResponseWriter, r *http.Request) {
	if !e.pause(w, r, e.options.Latency) {
		return
	}
	// By the machine's clock, which need not be this process's.
	w.Header().Set("Date", e.options.Now().UTC().Format(http.TimeFormat))
	p, wrong := read(w, r)
	if wrong == nil {
		wrong = e.authenticate(r.Method, p)
	}
	if wrong != nil {
		e.options.Logf("%.20q %.70q %.70q %d %s", r.Method, p["Action"], p["InstanceId"], wrong.status, wrong.code) // quoted: anybody may have sent it
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
		body, wrong = e.act(p, scheme+"://"+r.Host)
	}
	e.mu.Unlock()
	status, code := http.StatusOK, "OK"
	if wrong != nil {
		status, code = wrong.status, wrong.code
	}
	e.options.Logf("%s %s %.70q %d %s %s", r.Method, p["Action"], p["InstanceId"], status, code, kind)
	switch {
	case e.suffer(w, r, kind):
	case wrong != nil:
		refuse(w, r, wrong)
	default:
		body["RequestId"] = requestID()
		answer(w, http.StatusOK, body)
	}
}

// act carries out a call that is allowed; e.mu is held.
func (e *Emulator) act(p params, host string) (object, *refusal) {
	wrong := e.authorize(p)
	if wrong != nil && e.options.ExistenceFirst {
		for _, id := range append(p.list("ResourceId"), p["InstanceId"]) {
			if id != "" && e.find(id) == nil {
				return nil, notFound
			}
		}
	}
	if wrong != nil {
		return nil, wrong
	}
	return actions[p["Action"]](e, p, host)
}

// pause waits. If the caller goes away or the emulator closes meanwhile, it
// cuts the connection, for an empty 200 would look like success, and reports false.
func (e *Emulator) pause(w http.ResponseWriter, r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
	case <-e.closed:
	}
	cut(w, r)
	return false
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
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return p, &refusal{http.StatusRequestEntityTooLarge, "RequestTooLarge", "The request is too large."}
		}
		if err != nil {
			return p, invalid("body")
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
	case p["Version"] != apiVersion && (p["Version"] != stsVersion || p["Action"] != "GetCallerIdentity"):
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
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
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
	for _, key := range sortedKeys(i.shown) {
		tags = append(tags, object{"Key": key, "Value": i.shown[key]})
	}
	kind := "Redis"
	if strings.HasPrefix(i.InstanceID, "tt-") {
		kind = "Tair"
	}
	return object{"InstanceId": i.InstanceID, "InstanceName": i.InstanceID, "RegionId": i.RegionID, "InstanceStatus": i.InstanceStatus,
		"InstanceType": kind, "ZoneId": i.RegionID + "-h", "NetworkType": "VPC", "ChargeType": "PrePaid",
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

// named are the instances of these ids, sorted, each once; the unknown are left out.
func (e *Emulator) named(ids []string) (found []*instance) {
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if i := e.instances[id]; i != nil {
			found = append(found, i)
		}
	}
	return found
}

func describeInstances(e *Emulator, p params, _ string) (object, *refusal) {
	size, page, wrong := p.page(30, 50)
	if wrong != nil {
		return nil, wrong
	}
	candidates := e.sorted
	if list := p["InstanceIds"]; list != "" {
		ids := strings.Split(list, ",")
		if len(ids) > 30 {
			return nil, invalid("InstanceIds")
		}
		candidates = e.named(ids)
	}
	tags, wrong := p.tags(5)
	if wrong != nil {
		return nil, wrong
	}
	region, status, now := p["RegionId"], p["InstanceStatus"], e.now()
	total, rows := 0, []object{}
	for _, i := range candidates {
		if region != "" && i.RegionID != region {
			continue
		}
		i.settle(now)
		if status != "" && i.InstanceStatus != status || !i.has(tags) {
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
		if v, ok := i.shown[t.key]; !ok || t.value != "" && v != t.value {
			return false
		}
	}
	return true
}

const (
	maxTags     = 20
	maxTagKey   = 64
	maxTagValue = 128
	// maxResources is how many instances one call can tag.
	maxResources = 50
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
		after := maps.Clone(i.Tags)
		for _, t := range tags {
			after[t.key] = t.value
		}
		if len(after) > maxTags {
			return nil, &refusal{http.StatusBadRequest, "QuotaExceed.TagsPerResource", "The maximum number of tags for each resource is exceeded."}
		}
	}
	for _, i := range resources {
		for _, t := range tags {
			i.Tags[t.key] = t.value
		}
		e.showTags(i)
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
		e.showTags(i)
	}
	return object{}, nil
}

// showTags lets the tags as they are now show in time.
func (e *Emulator) showTags(i *instance) {
	i.tagged = append(i.tagged, tagging{e.now().Add(e.options.TagLag), maps.Clone(i.Tags)})
	i.settle(e.now())
}

func listTagResources(e *Emulator, p params, _ string) (object, *refusal) {
	if p["ResourceType"] == "" {
		return nil, missing("ResourceType")
	}
	candidates := e.sorted
	if ids := p.list("ResourceId"); len(ids) > 0 {
		candidates = e.named(ids)
	}
	tags, wrong := p.tags(maxTags)
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

func describeActiveOperationTasks(e *Emulator, p params, _ string) (object, *refusal) {
	size, page, wrong := p.page(25, 100)
	if wrong != nil {
		return nil, wrong
	}
	total, rows := 0, []object{}
	for _, i := range e.sorted {
		if p["InsName"] != "" && p["InsName"] != i.InstanceID || p["Region"] != "" && p["Region"] != "all" && p["Region"] != i.RegionID {
			continue
		}
		for n, t := range i.ActiveOperationTasks {
			if typ, status := p["TaskType"], p["Status"]; typ != "" && typ != "all" && typ != t.TaskType || status != "" && status != "-1" && status != strconv.Itoa(t.Status) {
				continue
			}
			if total >= (page-1)*size && len(rows) < size {
				rows = append(rows, object{"Id": n + 1, "TaskId": strconv.Itoa(n + 1), "InsName": i.InstanceID, "InstanceId": i.InstanceID, "Region": i.RegionID, "RegionId": i.RegionID,
					"DbType": "redis", "TaskType": t.TaskType, "Status": t.Status, "StartTime": t.StartTime, "SwitchTime": t.SwitchTime, "Deadline": t.Deadline})
			}
			total++
		}
	}
	return object{"Items": rows, "TotalRecordCount": total, "PageNumber": page, "PageSize": size}, nil
}

// checkTag names the part of a tag that is too long or too short, if any.
func checkTag(key, value string) (wrong string) {
	switch {
	case key == "" || utf8.RuneCountInString(key) > maxTagKey:
		return "Key"
	case utf8.RuneCountInString(value) > maxTagValue:
		return "Value"
	}
	return ""
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
		case checkTag(key, value) != "":
			return nil, invalid(prefix + "." + checkTag(key, value))
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
	case len(ids) > maxResources:
		return nil, invalid("ResourceId")
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
