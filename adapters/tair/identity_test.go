package tair_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"tairssl/adapters/tair"
	"tairssl/handler"
)

func TestIdentity(t *testing.T) {
	for _, c := range []struct {
		what   string
		status int
		body   string
		want   string // the identity, or the kind of the error
	}{
		{"a role", 200, `{"RequestId":"AD7E16AA","AccountId":"1","Arn":"acs:ram::1:assumed-role/r/s","IdentityType":"AssumedRoleUser"}`, "1 acs:ram::1:assumed-role/r/s AssumedRoleUser"},
		{"half an answer", 200, `{"RequestId":"AD7E16AA"}`, "unavailable"},
		{"a key that is not known", 404, refusal("InvalidAccessKeyId.NotFound"), "forbidden"},
		{"a wrong secret", 400, refusal("SignatureDoesNotMatch"), "forbidden"},
	} {
		sts := httptest.NewServer(answer(c.status, c.body))
		endpoint, err := tair.ParseEndpoint(sts.URL)
		if err != nil {
			t.Fatal(err)
		}
		// Nobody answers at the endpoint of the OpenAPI.
		who, err := clientOf(t, "http://127.0.0.1:1").Identity(context.Background(), endpoint, "cn-hangzhou")
		got := who.AccountID + " " + who.ARN + " " + who.Kind
		if err != nil {
			got = string(handler.AsError(err).Kind)
			if text := err.Error(); strings.Contains(text, secret.AccessKeySecret) || strings.Contains(text, secret.AccessKeyID) {
				t.Errorf("%s: the error shows the key: %s", c.what, text)
			}
		}
		if got != c.want {
			t.Errorf("%s gives %s (%v), want %s", c.what, got, err, c.want)
		}
		sts.Close()
	}
}

func TestURLOfARegion(t *testing.T) {
	for setting, want := range map[string]string{"": "https://r-kvstore.aliyuncs.com", "vpc": "https://r-kvstore-vpc.cn-hangzhou.aliyuncs.com", "https://api.{region}.example.com": "https://api.cn-hangzhou.example.com"} {
		endpoint, err := tair.ParseEndpoint(setting)
		if err != nil {
			t.Fatal(err)
		}
		if got := endpoint.URL("cn-hangzhou"); got != want {
			t.Errorf("%q leads to %s, want %s", setting, got, want)
		}
	}
}
