package localruntime

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// refusal is the answer to a request that is not accepted.
type refusal struct {
	status        int
	code, message string
}

// dialect describes a cloud's API for invoking functions. The codes of Lambda are the
// documented ones. Function Compute does not publish all of its codes, so clients
// should look at the status only.
type dialect struct {
	path               string // the pattern of the URL's path
	typeHeader         string
	sync, async        string // the values of typeHeader; without the header a request is synchronous
	syncMax, asyncMax  int64  // the largest payload in bytes
	requestID, errorIs string // names of headers
	noFunction, badType,
	tooLarge, tooMany refusal
}

var dialects = map[Cloud]dialect{
	Lambda: {
		path: "/2015-03-31/functions/{name}/invocations", typeHeader: "X-Amz-Invocation-Type",
		sync: "RequestResponse", async: "Event", syncMax: 6 << 20, asyncMax: 1 << 20,
		requestID: "X-Amzn-Requestid", errorIs: "X-Amz-Function-Error",
		noFunction: refusal{http.StatusNotFound, "ResourceNotFoundException", "Function not found"},
		badType:    refusal{http.StatusBadRequest, "InvalidParameterValueException", "This invocation type is not supported"},
		tooLarge:   refusal{http.StatusRequestEntityTooLarge, "RequestTooLargeException", "Request must be smaller than the limit for the InvokeFunction operation"},
		tooMany:    refusal{http.StatusTooManyRequests, "TooManyRequestsException", "Rate Exceeded."},
	},
	FC: {
		path: "/2023-03-30/functions/{name}/invocations", typeHeader: "X-Fc-Invocation-Type",
		sync: "Sync", async: "Async", syncMax: 32 << 20, asyncMax: 128 << 10,
		requestID: "X-Fc-Request-Id", errorIs: "X-Fc-Error-Type",
		noFunction: refusal{http.StatusNotFound, "FunctionNotFound", "function does not exist"},
		badType:    refusal{http.StatusBadRequest, "InvalidArgument", "this invocation type is not supported"},
		tooLarge:   refusal{http.StatusRequestEntityTooLarge, "EntityTooLarge", "payload size exceeds maximum allowed size"},
		tooMany:    refusal{http.StatusTooManyRequests, "ResourceExhausted", "too many invocations"},
	},
}

// invokeAPI is the handler of the cloud's API for invoking functions.
func (p *Process) invokeAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+dialects[p.cloud].path, p.serveInvoke)
	return mux
}

// serveInvoke queues an asynchronous invocation, or answers a synchronous one.
func (p *Process) serveInvoke(w http.ResponseWriter, r *http.Request) {
	d, i := dialects[p.cloud], newInvocation(nil)
	w.Header().Set(d.requestID, i.id)
	w.Header().Set("Content-Type", "application/json")
	var refused *refusal
	if i.payload, refused = p.accepted(d, r); refused != nil {
		p.refuse(w, *refused)
		return
	}
	if r.Header.Get(d.typeHeader) == d.async {
		if !p.accept(event{id: i.id, payload: i.payload, accepted: time.Now()}) {
			p.refuse(w, d.tooMany)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		return
	}
	p.answer(w, r, d, i)
}

// accepted checks a request and returns its payload.
func (p *Process) accepted(d dialect, r *http.Request) ([]byte, *refusal) {
	payload, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, d.syncMax))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, &d.tooLarge
	} else if err != nil {
		return nil, &refusal{http.StatusBadRequest, "InvalidRequestContentException", "the request's body cannot be read"}
	}
	check := checkACS
	if p.cloud == Lambda {
		check = func(r *http.Request, body []byte, k key, now time.Time) *refusal {
			return checkSigV4(r, body, k, p.surroundings.region, "lambda", now)
		}
	}
	if refused := check(r, payload, p.surroundings.key, time.Now()); refused != nil {
		return nil, refused
	}
	name, kind := r.PathValue("name"), r.Header.Get(d.typeHeader)
	switch {
	case name != functionName && (p.cloud == FC || name != p.surroundings.arn()):
		return nil, &d.noFunction
	case kind != "" && kind != d.sync && kind != d.async:
		return nil, &d.badType
	case kind == d.async && int64(len(payload)) > d.asyncMax:
		return nil, &d.tooLarge
	case p.cloud == Lambda && len(payload) > 0 && !json.Valid(payload):
		return nil, &refusal{http.StatusBadRequest, "InvalidRequestContentException", "Could not parse request body into json"}
	}
	return payload, nil
}

// answer answers a synchronous invocation. On Lambda the function has a concurrency of
// 1, because there is one process; while it is busy, requests are refused.
func (p *Process) answer(w http.ResponseWriter, r *http.Request, d dialect, i *invocation) {
	if p.cloud == Lambda {
		select {
		case p.one <- struct{}{}:
			defer func() { <-p.one }()
		default:
			p.refuse(w, d.tooMany)
			return
		}
	}
	a, err := p.invoke(r.Context(), i)
	if err != nil {
		a.Failed = true
		a.Payload, _ = json.Marshal(map[string]string{"errorType": "Runtime.ExitError", "errorMessage": err.Error()})
	}
	if a.Failed {
		w.Header().Set(d.errorIs, "Unhandled")
	}
	_, _ = w.Write(a.Payload) // fails only if the caller is gone
}

// refuse writes a refusal in the form of the cloud's errors.
func (p *Process) refuse(w http.ResponseWriter, why refusal) {
	body := map[string]string{"Code": why.code, "Message": why.message, "RequestId": w.Header().Get(dialects[FC].requestID)}
	if p.cloud == Lambda {
		w.Header().Set("X-Amzn-Errortype", why.code)
		body = map[string]string{"Type": "User", "message": why.message}
	}
	text, _ := json.Marshal(body) // a map of strings never fails
	w.WriteHeader(why.status)
	_, _ = io.WriteString(w, strings.TrimSpace(string(text)))
}
