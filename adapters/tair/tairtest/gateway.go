package tairtest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	contentType = "application/json;charset=utf-8"
	apiVersion  = "2015-01-01"
	stsVersion  = "2015-04-01"
	maxForm     = 1 << 20
)

// refusal is an error in the form of the API.
type refusal struct {
	status        int
	code, message string
}

type object = map[string]any

// call is a call that has passed authentication.
type call struct {
	params
	url     string   // the emulator's own URL in the caller's words, such as http://127.0.0.1:8080
	region  string   // the region that it lists; "" for none
	regions []string // the regions in which it finds an instance by id
}

// action carries out a call. The caller holds e.mu.
type action func(e *Emulator, c call) (object, *refusal)

var actions map[string]action

func init() {
	// The table is set here, because the table and Fault refer to each other.
	actions = map[string]action{
		"ModifyInstanceSSL": modifyInstanceSSL, "DescribeInstanceSSL": describeInstanceSSL,
		"DescribeInstances": describeInstances, "DescribeInstanceAttribute": describeInstanceAttribute,
		"TagResources": tagResources, "UntagResources": untagResources, "ListTagResources": listTagResources,
		"DescribeActiveOperationTasks": describeActiveOperationTasks, "ModifyActiveOperationTasks": modifyActiveOperationTasks,
		"CancelActiveOperationTasks": cancelActiveOperationTasks, "GetCallerIdentity": getCallerIdentity,
	}
}

// openAPI answers a call. It checks form, authenticity, quota, faults and rights in this
// order, and then carries out the call.
func (e *Emulator) openAPI(w http.ResponseWriter, r *http.Request) {
	if !e.pause(w, r, e.options.Latency) {
		return
	}
	w.Header().Set("Date", e.date())
	p, wrong := read(r)
	if wrong == nil {
		wrong = e.authenticate(r.Method, p)
	}
	if wrong != nil {
		e.options.Logf("%.20q %.70q %.70q %d %s", r.Method, p["Action"], p["InstanceId"], wrong.status, wrong.code) // quoted, because the caller is unknown
		refuse(w, r, wrong)
		return
	}
	kind, body, wrong := e.take(e.call(p, r))
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

// call returns the call of a request.
func (e *Emulator) call(p params, r *http.Request) call {
	c := call{params: p, url: "http://" + r.Host}
	if r.TLS != nil {
		c.url = "https://" + r.Host
	}
	c.region, c.regions = e.reach(p, r.Host)
	return c
}

// take counts a call and carries it out, unless its quota or a fault prevents that. It
// returns the kind of fault for the answer.
func (e *Emulator) take(c call) (kind string, body object, wrong *refusal) {
	action := c.params["Action"]
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls[action]++
	if e.exceeds(action, c.region) {
		return "", nil, throttled
	}
	kind = e.nextFault(action)
	if kind == "" || faultKinds[kind] {
		body, wrong = e.act(c)
	}
	return kind, body, wrong
}

// act carries out a call if the policy allows it. The caller holds e.mu.
func (e *Emulator) act(c call) (object, *refusal) {
	wrong := e.authorize(c)
	if wrong != nil && e.options.ExistenceFirst {
		for _, id := range append(c.list("ResourceId"), c.params["InstanceId"]) {
			if id != "" && e.reached(c, id) == nil {
				return nil, notFound
			}
		}
	}
	if wrong != nil {
		return nil, wrong
	}
	return actions[c.params["Action"]](e, c)
}

// pause waits and reports whether the whole time has passed. If the caller goes away or
// the emulator closes in the meantime, pause cuts the connection, because an empty 200
// would look like success.
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

// read takes the parameters from the query and from a form.
func read(r *http.Request) (params, *refusal) {
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
		body, err := io.ReadAll(io.LimitReader(r.Body, maxForm+1))
		switch {
		case len(body) > maxForm:
			return p, &refusal{http.StatusRequestEntityTooLarge, "RequestTooLarge", "The request is too large."}
		case err != nil:
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
	_ = json.NewEncoder(w).Encode(body) // the caller may have gone
}

func requestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%X-%X-%X-%X-%X", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
