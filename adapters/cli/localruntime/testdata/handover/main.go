// Command handover is a function for tests. It speaks the runtime APIs of both clouds
// and follows the order in each payload. It hands work over with plain HTTP requests
// that it signs without an SDK.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// order is a payload. The function follows its fields in their order.
type order struct {
	Hand   json.RawMessage // the payload of an invocation of this function, to be handed over
	Spoil  string          // the fault of that request: see sign.go
	Type   string          // of that invocation; default asynchronous
	Later  string          // a goroutine repeats it on stderr after the answer
	Crash  bool            // end the process
	Hang   bool            // give no answer
	Fail   bool            // answer with an error
	FailUp int             // answer with an error until the process has seen this many such orders
	Name   string          // returned in the answer
}

// answer is the answer of the function.
type answer struct {
	Name    string
	Retry   string // the number of repetitions, from Function Compute
	ID      string
	Process int
	Status  int    // status of the answer to the request that handed work over
	HandID  string // its request id
	Said    string // its body
}

var failures atomic.Int64

func main() {
	api, base := os.Getenv("AWS_LAMBDA_RUNTIME_API"), "/2018-06-01/runtime/invocation/"
	fc := os.Getenv("FC_RUNTIME_API") != ""
	if fc {
		api, base = os.Getenv("FC_RUNTIME_API"), "/2020-11-11/runtime/invocation/"
	}
	url := "http://" + api + base
	for {
		resp, err := http.Get(url + "next")
		if err != nil {
			log.Fatal(err)
		}
		payload, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			log.Fatal(err)
		}
		if fc {
			go serve(url, resp.Header, payload) // invocations overlap on Function Compute
		} else {
			serve(url, resp.Header, payload)
		}
	}
}

func serve(url string, header http.Header, payload []byte) {
	var o order
	if err := json.Unmarshal(payload, &o); err != nil {
		log.Fatal(err)
	}
	a := answer{Name: o.Name, ID: header.Get("Lambda-Runtime-Aws-Request-Id"), Retry: header.Get("x-fc-retry-count"), Process: os.Getpid()}
	if a.ID == "" {
		a.ID = header.Get("x-fc-request-id")
	}
	if o.Hand != nil {
		hand(o, header, &a)
	}
	if o.Crash {
		os.Exit(7)
	}
	if o.Hang {
		fmt.Fprintln(os.Stderr, "it hangs")
		time.Sleep(time.Hour)
	}
	how, body := "/response", any(a)
	if o.Fail || o.FailUp > 0 && int(failures.Add(1)) < o.FailUp {
		how, body = "/error", map[string]string{"errorType": "asked", "errorMessage": "this was asked for"}
	}
	text, err := json.Marshal(body)
	if err != nil {
		log.Fatal(err)
	}
	taken := make(chan struct{})
	if o.Later != "" {
		go func() {
			<-taken
			for n := 0; ; n++ {
				fmt.Fprintln(os.Stderr, o.Later, n)
				time.Sleep(time.Millisecond)
			}
		}()
	}
	resp, err := http.Post(url+a.ID+how, "application/json", bytes.NewReader(text))
	if err != nil {
		log.Fatal(err)
	}
	_ = resp.Body.Close()
	close(taken)
}

// hand invokes this function and records the answer.
func hand(o order, header http.Header, a *answer) {
	req, err := request(o, header)
	if err != nil {
		log.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	said, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	a.Status, a.Said = resp.StatusCode, strings.TrimSpace(string(said))
	if a.HandID = resp.Header.Get("x-amzn-requestid"); a.HandID == "" {
		a.HandID = resp.Header.Get("x-fc-request-id")
	}
}
