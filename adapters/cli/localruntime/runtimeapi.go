package localruntime

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"
)

// runtimeAPI serves the process.
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

// next hands out an invocation, when there is one.
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
	_, _ = w.Write(i.payload) // a function that went away is seen by its end
}

// polled notes that the process waits for an invocation, or does so no more.
func (s *sandbox) polled(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polls += n
	if s.start == 0 {
		s.start = time.Since(s.began)
		close(s.ready)
	}
}

// handOut notes that the process has an invocation to answer, and wakes it.
func (s *sandbox) handOut(i *invocation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polls--
	s.out[i.id] = i
	s.thaw()
}

// answered passes the answer to an invocation on; false if there is no such
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
		_ = json.Unmarshal(body, &e) // what is no JSON has no type
		a.ErrorType, a.ErrorMessage = e.ErrorType, e.ErrorMessage
	}
	i.answer <- a
	s.rest()
	return true
}

// headers tell the function about an invocation. On Function Compute they are
// all that the runtime's fccontext reads; the names of a service are empty in
// version 3.0, as are those of a log and of a trace here.
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
