package function

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"tairssl/handler"
)

const (
	// extensionPatience limits the wait for an extension that is not ready yet.
	extensionPatience = time.Second
	firstPoll         = 20 * time.Millisecond
	// maxAnswer is the greatest answer, in bytes. A secret may have 64 KiB, and JSON may
	// escape it to several times that size.
	maxAnswer = 512 << 10
)

// store is a place where AWS keeps values, and how the extension serves it.
type store struct{ title, path, parameter, more, action, form string }

var stores = map[string]store{
	"secretsmanager": {"Secrets Manager", "/secretsmanager/get", "secretId", "", "secretsmanager:GetSecretValue", "secretsmanager:NAME, the secret's name or ARN, or secretsmanager:NAME#KEY"},
	"ssm":            {"Parameter Store", "/systemsmanager/parameters/get", "name", "&withDecryption=true", "ssm:GetParameter", "ssm:/path/name, the parameter's name"},
}

// extension is the AWS Parameters and Secrets Lambda extension. It listens on the
// function's own machine.
type extension struct {
	url, token string
	client     *http.Client
}

func newExtension(get func(string) string) extension {
	port := get("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT")
	if port == "" {
		port = "2773"
	}
	return extension{"http://localhost:" + port, get("AWS_SESSION_TOKEN"), &http.Client{
		// Each request has its own connection and never uses a proxy. The extension has
		// three connections to AWS.
		Transport:     &http.Transport{DisableKeepAlives: true, MaxConnsPerHost: 3},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// passing is a fault that may not occur at a later try.
type passing struct{ error }

func (passing) Is(target error) bool { return target == handler.Unavailable }

// read reads a value. It waits a short time for the extension to start.
func (x extension) read(ctx context.Context, s store, name string) (string, error) {
	if x.token == "" {
		return "", errors.New("AWS_SESSION_TOKEN is not set: only a function on Lambda can read secrets and parameters of AWS")
	}
	patience, cancel := context.WithTimeout(ctx, extensionPatience)
	defer cancel()
	for pause := firstPoll; ; pause *= 2 {
		value, wait, err := x.get(ctx, s, name)
		if !wait {
			return value, err
		}
		select {
		case <-patience.Done():
			return "", err
		case <-time.After(pause):
		}
	}
}

// get makes one request. wait means that the extension is not ready yet.
func (x extension) get(ctx context.Context, s store, name string) (value string, wait bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, x.url+s.path+"?"+s.parameter+"="+url.QueryEscape(name)+s.more, nil)
	if err != nil {
		return "", false, errors.New("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT is no port")
	}
	req.Header.Set("X-Aws-Parameters-Secrets-Token", x.token)
	resp, err := x.client.Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return "", true, passing{errors.New("the AWS Parameters and Secrets Lambda extension does not answer: add its layer to the function")}
	}
	var body []byte
	if err == nil {
		body, err = io.ReadAll(http.MaxBytesReader(nil, resp.Body, maxAnswer))
		_ = resp.Body.Close()
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return "", false, fmt.Errorf("%s's answer is longer than %d bytes", s.title, large.Limit)
	case err != nil:
		// The text of the error contains the name, so it is not shown.
		return "", false, passing{fmt.Errorf("%s gave no answer in time", s.title)}
	case resp.StatusCode == http.StatusBadRequest && strings.Contains(string(body), "not ready"):
		// Only the text of the answer distinguishes this case from other bad requests.
		return "", true, passing{errors.New("the AWS Parameters and Secrets Lambda extension is not ready yet")}
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode >= http.StatusInternalServerError:
		return "", false, passing{fmt.Errorf("%s answered with status %d", s.title, resp.StatusCode)}
	case resp.StatusCode != http.StatusOK:
		return "", false, fmt.Errorf("%s refused with status %d: check the name, and allow %s on it to the function's role, and kms:Decrypt if its key is your own", s.title, resp.StatusCode, s.action)
	}
	var answer struct {
		SecretString string
		Parameter    struct{ Value string }
	}
	if json.Unmarshal(body, &answer) != nil {
		return "", false, passing{fmt.Errorf("%s's answer is no JSON", s.title)}
	}
	return answer.SecretString + answer.Parameter.Value, false, nil // one of them is empty
}
