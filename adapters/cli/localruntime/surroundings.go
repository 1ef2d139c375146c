package localruntime

import (
	"strings"
	"time"
)

// What the clouds would tell the function of itself.
const (
	functionName = "tairssl"
	awsAccount   = "123456789012"
	fcAccount    = "1234567890123456"
)

// key is what the function signs its calls with.
type key struct{ id, secret, token string }

// madeUp is the key of a function on Lambda that was given none: AWS's own
// example. It opens nothing but this package's API.
var madeUp = key{id: "ASIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", token: "local-session-token"}

// surroundings are what a function is told of the cloud that it runs in.
type surroundings struct {
	cloud   Cloud
	env     []string // but where the runtime API is
	key     key
	region  string
	timeout time.Duration
}

// surroundingsOf puts them together. What the caller's environment says holds.
func surroundingsOf(cloud Cloud, o Options, endpoint string) surroundings {
	s := surroundings{cloud: cloud, region: o.Region, timeout: o.Timeout}
	given := map[string]string{}
	for _, entry := range o.Env {
		name, value, _ := strings.Cut(entry, "=")
		given[name] = value
		if cloud == FC && (name == "ALIBABA_CLOUD_ACCESS_KEY_ID" || name == "ALIBABA_CLOUD_ACCESS_KEY_SECRET" || name == "ALIBABA_CLOUD_SECURITY_TOKEN") {
			continue
		}
		s.env = append(s.env, entry)
	}
	add := func(name, value string) {
		if _, ok := given[name]; !ok {
			s.env = append(s.env, name+"="+value)
			given[name] = value
		}
	}
	if cloud == FC {
		s.key = key{given["ALIBABA_CLOUD_ACCESS_KEY_ID"], given["ALIBABA_CLOUD_ACCESS_KEY_SECRET"], given["ALIBABA_CLOUD_SECURITY_TOKEN"]}
		if s.region == "" {
			s.region = "cn-hangzhou"
		}
		s.env = append(s.env, "FC_FUNCTION_NAME="+functionName, "FC_REGION="+s.region, "FC_ACCOUNT_ID="+fcAccount)
		add("TAIRSSL_INVOKE_ENDPOINT", endpoint)
		return s
	}
	if s.region == "" {
		s.region = "us-east-1"
	}
	add("AWS_REGION", s.region)
	s.region = given["AWS_REGION"]
	// Parts of two keys make none: either all is made up, or nothing is.
	if given["AWS_ACCESS_KEY_ID"] == "" && given["AWS_SECRET_ACCESS_KEY"] == "" {
		s.env = append(s.env, "AWS_ACCESS_KEY_ID="+madeUp.id, "AWS_SECRET_ACCESS_KEY="+madeUp.secret)
		given["AWS_ACCESS_KEY_ID"], given["AWS_SECRET_ACCESS_KEY"] = madeUp.id, madeUp.secret
		add("AWS_SESSION_TOKEN", madeUp.token)
	}
	s.key = key{given["AWS_ACCESS_KEY_ID"], given["AWS_SECRET_ACCESS_KEY"], given["AWS_SESSION_TOKEN"]}
	// The variable of AWS's own clients names the endpoint as well.
	if given["AWS_ENDPOINT_URL_LAMBDA"] == "" {
		add("TAIRSSL_INVOKE_ENDPOINT", endpoint)
	}
	s.env = append(s.env, "AWS_LAMBDA_FUNCTION_NAME="+functionName, "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "_HANDLER=bootstrap")
	return s
}

// environment is what the cloud gives a process whose runtime API is at an
// address.
func (s surroundings) environment(api string) []string {
	name := "AWS_LAMBDA_RUNTIME_API="
	if s.cloud == FC {
		name = "FC_RUNTIME_API="
	}
	return append(s.env[:len(s.env):len(s.env)], name+api)
}

// arn is the function's name in full, on Lambda.
func (s surroundings) arn() string {
	return "arn:aws:lambda:" + s.region + ":" + awsAccount + ":function:" + functionName
}
