package localruntime

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"
)

// runtimeAPI is the handler of the runtime API that the process polls.
func (s *sandbox) runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	base, accepted := "/2018-06-01/runtime/", http.StatusAccepted
	if s.function.cloud == FC {
		base, accepted = "/2020-11-11/runtime/", http.StatusOK
	}
	mux.HandleFunc("GET "+base+"invocation/next", s.next)
	mux.HandleFunc("POST "+base+"invocation/{id}/{how}", func(w http.ResponseWriter, r *http.Request) {
		if !s.answered(r) {
			http.Error(w, "no such invocation", http.StatusBadRequest)
			return
		}
		w.WriteHeader(accepted)
	})
	mux.HandleFunc("POST "+base+"init/error", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10))
		s.mu.Lock()
		s.init = string(body)
		s.mu.Unlock()
		w.WriteHeader(accepted)
	})
	return mux
}

// next waits for an invocation and hands it to the process.
func (s *sandbox) next(w http.ResponseWriter, r *http.Request) {
	s.polled(1)
	var i *invocation
	select {
	case i = <-s.queue:
	default:
		s.rest()
		select {
		case i = <-s.queue:
		case <-r.Context().Done():
			s.polled(-1)
			return
		}
	}
	s.handOut(i)
	for key, value := range s.function.surroundings.headers(i) {
		w.Header().Set(key, value)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(i.payload) // if the process is gone, done reports it
}

// polled adds n to the number of requests that wait for an invocation. The first
// request makes the process ready.
func (s *sandbox) polled(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polls += n
	if s.start == 0 {
		s.start = time.Since(s.began)
		close(s.ready)
	}
}

// handOut records that the process has to answer an invocation, and continues the
// process.
func (s *sandbox) handOut(i *invocation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polls--
	s.out[i.id] = i
	s.thaw()
}

// answered passes an answer on to its invocation. It returns false if there is no such
// invocation.
func (s *sandbox) answered(r *http.Request) bool {
	body, err := io.ReadAll(r.Body)
	s.mu.Lock()
	i := s.out[r.PathValue("id")]
	delete(s.out, r.PathValue("id"))
	s.mu.Unlock()
	if i == nil || err != nil {
		return false
	}
	a := Answer{Payload: body, RequestID: i.id, Failed: r.PathValue("how") != "response"}
	if a.Failed {
		var e struct{ ErrorType, ErrorMessage string }
		_ = json.Unmarshal(body, &e) // an error that is not JSON has no type
		a.ErrorType, a.ErrorMessage = e.ErrorType, e.ErrorMessage
	}
	i.answer <- a
	s.rest()
	return true
}

// headers returns the headers that describe an invocation to the function. On Function
// Compute these are all headers that fccontext reads, except those for the service
// (version 3.0 has none), the log and the trace.
func (s surroundings) headers(i *invocation) map[string]string {
	deadline := strconv.FormatInt(i.deadline.UnixMilli(), 10)
	if s.cloud == Lambda {
		return map[string]string{
			"Lambda-Runtime-Aws-Request-Id":       i.id,
			"Lambda-Runtime-Deadline-Ms":          deadline,
			"Lambda-Runtime-Invoked-Function-Arn": s.arn(),
			"Lambda-Runtime-Trace-Id":             "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
		}
	}
	return map[string]string{
		"x-fc-request-id": i.id, "x-fc-function-deadline": deadline, "x-fc-function-type": "0",
		"x-fc-function-timeout": strconv.Itoa(int(s.timeout / time.Second)), "x-fc-function-name": functionName,
		"x-fc-function-handler": "bootstrap", "x-fc-function-memory": "512", "x-fc-qualifier": "LATEST",
		"x-fc-region": s.region, "x-fc-account-id": fcAccount, "x-fc-retry-count": strconv.Itoa(i.retry),
		"x-fc-access-key-id": s.key.id, "x-fc-access-key-secret": s.key.secret, "x-fc-security-token": s.key.token,
	}
}
