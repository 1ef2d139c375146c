package localruntime

import (
	"strings"
	"time"
)

// The names in the environment of a function.
const (
	functionName = "tairssl"
	awsAccount   = "123456789012"
	fcAccount    = "1234567890123456"
)

// key is the credential with which the function signs its calls.
type key struct{ id, secret, token string }

// madeUp is the key of a function on Lambda without a key in Options.Env. It is the
// example in AWS's documentation, and only this package's API accepts it.
var madeUp = key{id: "ASIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", token: "local-session-token"}

// surroundings is the environment of a function in its cloud.
type surroundings struct {
	cloud   Cloud
	env     []string // without the address of the runtime API
	key     key
	region  string
	timeout time.Duration
}

// surroundingsOf builds the environment. A variable in Options.Env takes precedence.
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
	// Parts of two different keys would not work, so the made-up key is used completely
	// or not at all.
	if given["AWS_ACCESS_KEY_ID"] == "" && given["AWS_SECRET_ACCESS_KEY"] == "" {
		s.env = append(s.env, "AWS_ACCESS_KEY_ID="+madeUp.id, "AWS_SECRET_ACCESS_KEY="+madeUp.secret)
		given["AWS_ACCESS_KEY_ID"], given["AWS_SECRET_ACCESS_KEY"] = madeUp.id, madeUp.secret
		add("AWS_SESSION_TOKEN", madeUp.token)
	}
	s.key = key{given["AWS_ACCESS_KEY_ID"], given["AWS_SECRET_ACCESS_KEY"], given["AWS_SESSION_TOKEN"]}
	// AWS_ENDPOINT_URL_LAMBDA, the variable of AWS's own clients, takes precedence.
	if given["AWS_ENDPOINT_URL_LAMBDA"] == "" {
		add("TAIRSSL_INVOKE_ENDPOINT", endpoint)
	}
	s.env = append(s.env, "AWS_LAMBDA_FUNCTION_NAME="+functionName, "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "_HANDLER=bootstrap")
	return s
}

// environment returns the environment of a process whose runtime API has the address
// api.
func (s surroundings) environment(api string) []string {
	name := "AWS_LAMBDA_RUNTIME_API="
	if s.cloud == FC {
		name = "FC_RUNTIME_API="
	}
	return append(s.env[:len(s.env):len(s.env)], name+api)
}

// arn is the full name of the function on Lambda.
func (s surroundings) arn() string {
	return "arn:aws:lambda:" + s.region + ":" + awsAccount + ":function:" + functionName
}
