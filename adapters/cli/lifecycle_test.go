package cli_test

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"tairssl/adapters/fc"
	"tairssl/adapters/lambda"
	"tairssl/adapters/tair/tairtest"
)

// deployed sends a payload to a deployment on one cloud.
type deployed func(payload string) (answer string, err error)

// onBothClouds deploys the real functions of both clouds for one emulated fleet.
func onBothClouds(t *testing.T, settings ...string) (e *tairtest.Emulator, aws, alibaba deployed) {
	t.Helper()
	s := newShell(t)
	environ := append(s.environ, "TAIRSSL_REGION=cn-hangzhou,cn-shanghai", "TAIRSSL_WINDOW=any", "TAIRSSL_WAIT=5s")
	environ = append(environ, settings...)
	onLambda, onFC := lambda.New(environ, io.Discard), fc.New(environ, io.Discard)
	return s.Emulator, func(payload string) (string, error) {
			answer, err := onLambda.Invoke(context.Background(), []byte(payload))
			return string(answer), err
		}, func(payload string) (string, error) {
			answer, err := onFC(context.Background(), []byte(payload))
			return string(answer), err
		}
}

const sweepAll = `{"Sweep":{}}`

// due are the instances of the sample fleet that a sweep renews.
var due = []string{"r-bp1zxszhcgatnx01", "r-bp1zxszhcgatnx04", "r-uf6zxszhcgatnx07"}

func restarts(t *testing.T, e *tairtest.Emulator) (all []int) {
	t.Helper()
	for _, id := range due {
		i, ok := e.Instance(id)
		if !ok {
			t.Fatalf("there is no %s", id)
		}
		all = append(all, i.Restarts)
	}
	return all
}

// During a move to the other cloud both clouds sweep at the same time. Each certificate
// that is due is renewed once.
func TestMovingFromOneCloudToTheOther(t *testing.T) {
	t.Parallel()
	e, aws, alibaba := onBothClouds(t)
	for range 2 { // nothing is due in the second round
		var both sync.WaitGroup
		for _, cloud := range []deployed{aws, alibaba} {
			both.Go(func() {
				if _, err := cloud(sweepAll); err != nil {
					t.Errorf("a sweep ends %v", err)
				}
			})
		}
		both.Wait()
	}
	for n, count := range restarts(t, e) {
		if count != 1 {
			t.Errorf("%s restarted %d times", due[n], count)
		}
	}
	// The old deployment is removed, and only the new one sweeps.
	if err := e.Put(tairtest.Instance{InstanceID: "r-bp1zxszhcgatnx12", SSLExpiredTime: e.Now().AddDate(0, 0, 3).UTC().Format("2006-01-02T15:04:05Z")}); err != nil {
		t.Fatal(err)
	}
	if _, err := alibaba(sweepAll); err != nil {
		t.Fatal(err)
	}
	if i, _ := e.Instance("r-bp1zxszhcgatnx12"); i.Restarts != 1 {
		t.Errorf("an instance that became due after the move restarted %d times", i.Restarts)
	}
}

// The denying policy pauses both clouds at once. Reads go on, and nothing restarts.
// After the pause each certificate that is due is renewed.
func TestADenialPausesBothClouds(t *testing.T) {
	t.Parallel()
	e, aws, alibaba := onBothClouds(t)
	var allowed, denied struct{ Version, Statement any }
	for file, policy := range map[string]any{"policy.json": &allowed, "pause.json": &denied} {
		text, err := os.ReadFile("../tair/" + file)
		if err == nil {
			err = json.Unmarshal([]byte(strings.ReplaceAll(string(text), "instance/r-bp1zxszhcgatnx01", "instance/*")), policy)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	attach := func(statements ...any) {
		text, err := json.Marshal(map[string]any{"Version": "1", "Statement": statements})
		if err == nil {
			err = e.Policy(text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	attach(append(append([]any{}, allowed.Statement.([]any)...), denied.Statement.([]any)...)...)
	for name, cloud := range map[string]deployed{"AWS": aws, "Alibaba Cloud": alibaba} {
		answer, err := cloud(sweepAll)
		if err != nil || !strings.Contains(answer, `"refused":`) || !strings.Contains(answer, "allow kvstore:TagResources") {
			t.Errorf("on %s a sweep during the pause is answered %v, %s", name, err, answer)
		}
	}
	for n, count := range restarts(t, e) {
		if count != 0 {
			t.Errorf("%s restarted during the pause", due[n])
		}
	}
	attach(allowed.Statement.([]any)...)
	if _, err := aws(sweepAll); err != nil {
		t.Fatal(err)
	}
	for n, count := range restarts(t, e) {
		if count != 1 {
			t.Errorf("after the pause %s restarted %d times", due[n], count)
		}
	}
}

// A secret can be rotated without an outage: while both values are set, both are accepted.
func TestASecretIsRotatedWithoutAnOutage(t *testing.T) {
	t.Parallel()
	taken := func(settings, token string) bool {
		_, aws, _ := onBothClouds(t, settings)
		answer, err := aws(`{"version":"2.0","rawPath":"/ssl","requestContext":{"http":{"method":"POST"}},"headers":{"authorization":"Bearer ` + token + `","content-type":"application/json"},
			"body":"{\"InstanceId\":\"r-bp1zxszhcgatnx02\",\"SSLEnabled\":\"Update\"}"}`)
		return err == nil && strings.Contains(answer, `"statusCode":200`)
	}
	for _, step := range []struct {
		settings    string
		old, recent bool
	}{
		{`TAIRSSL_SETTINGS={"TAIRSSL_ALERT_TOKENS":"old-token"}`, true, false},
		{`TAIRSSL_SETTINGS={"TAIRSSL_ALERT_TOKENS":"old-token,new-token"}`, true, true},
		{`TAIRSSL_SETTINGS={"TAIRSSL_ALERT_TOKENS":"new-token"}`, false, true},
	} {
		if got := taken(step.settings, "old-token"); got != step.old {
			t.Errorf("with %s the old token is accepted: %v", step.settings, got)
		}
		if got := taken(step.settings, "new-token"); got != step.recent {
			t.Errorf("with %s the new token is accepted: %v", step.settings, got)
		}
	}
}
