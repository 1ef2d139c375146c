package function_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tairssl/adapters/function"
)

func TestABundleIsReplacedByItsSettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets")
	if err := os.WriteFile(path, []byte(`{"TAIRSSL_CONFIRM_KEY":"file:is-no-reference-here","ALIBABA_CLOUD_ACCESS_KEY_ID":"emulator"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := []string{"OTHER=x", "TAIRSSL_RATE=", `TAIRSSL_SETTINGS= {"TAIRSSL_RATE":"20","ALIBABA_CLOUD_ACCESS_KEY_SECRET":"file:` + key + `"} `, "TAIRSSL_SECRETS=file:" + path}
	got, err := function.Resolve(context.Background(), environ)
	if err != nil {
		t.Fatal(err)
	}
	get := function.Getenv(got)
	for name, want := range map[string]string{
		"OTHER": "x", "TAIRSSL_RATE": "20", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret", "ALIBABA_CLOUD_ACCESS_KEY_ID": "emulator",
		"TAIRSSL_CONFIRM_KEY": "file:is-no-reference-here", // the value of a reference is never a reference
		"TAIRSSL_SETTINGS":    "", "TAIRSSL_SECRETS": "",
	} {
		if get(name) != want {
			t.Errorf("%s is %q, want %q", name, get(name), want)
		}
	}
	if s, unknown, err := function.ParseSettings(got); err != nil || len(unknown) > 0 || s.Rate != 20 {
		t.Errorf("the settings are %+v, unknown %v, %v", s, unknown, err)
	}
}

// The error names every fault by its variable, and contains no value.
func TestAllFaultsOfABundleAreNamedWithoutAValue(t *testing.T) {
	const secret = "hunter2-in-plain-text"
	for name, test := range map[string]struct {
		environ []string
		want    []string
	}{
		"no JSON":              {[]string{"TAIRSSL_SECRETS=" + secret}, []string{"TAIRSSL_SECRETS: want a JSON object"}},
		"null":                 {[]string{`TAIRSSL_SETTINGS=null`}, []string{"TAIRSSL_SETTINGS: want a JSON object"}},
		"an array":             {[]string{`TAIRSSL_SETTINGS=["` + secret + `"]`}, []string{"TAIRSSL_SETTINGS: want a JSON object"}},
		"cut off":              {[]string{`TAIRSSL_SETTINGS={"TAIRSSL_RATE":"` + secret}, []string{"TAIRSSL_SETTINGS: want a JSON object"}},
		"not strings":          {[]string{`TAIRSSL_SETTINGS={"TAIRSSL_RATE":20,"TAIRSSL_PAUSE":true,"TAIRSSL_LEASE":null}`}, []string{"the value of TAIRSSL_RATE must be a string", "the value of TAIRSSL_PAUSE must", "the value of TAIRSSL_LEASE must"}},
		"no settings":          {[]string{`TAIRSSL_SETTINGS={"RATE":"` + secret + `","TAIRSSL_RAET":"1","PATH":"/"}`}, []string{`TAIRSSL_SETTINGS: "RATE" is not a setting`, `"TAIRSSL_RAET" is not`, `"PATH" is not`}},
		"a bundle in a bundle": {[]string{`TAIRSSL_SETTINGS={"TAIRSSL_SECRETS":"` + secret + `"}`}, []string{`"TAIRSSL_SECRETS" is not a setting that this object may contain`}},
		"set twice":            {[]string{"TAIRSSL_CONFIRM_KEY=other", `TAIRSSL_SECRETS={"TAIRSSL_CONFIRM_KEY":"` + secret + `"}`}, []string{"TAIRSSL_SECRETS: it contains TAIRSSL_CONFIRM_KEY, which is also set elsewhere"}},
		"in both bundles":      {[]string{`TAIRSSL_SETTINGS={"TAIRSSL_RATE":"1"}`, `TAIRSSL_SECRETS={"TAIRSSL_RATE":"2"}`}, []string{"TAIRSSL_SECRETS: it contains TAIRSSL_RATE, which"}},
		"bad references, too":  {[]string{"TAIRSSL_SETTINGS=file:/nowhere", "TAIRSSL_SECRETS=file:/nowhere", "TAIRSSL_CONFIRM_KEY=file:/nowhere"}, []string{"TAIRSSL_SETTINGS: the file cannot be read", "TAIRSSL_SECRETS: the file", "TAIRSSL_CONFIRM_KEY: the file"}},
	} {
		got, err := function.Resolve(context.Background(), test.environ)
		if err == nil {
			t.Errorf("%s: the bad bundle %q is accepted", name, test.environ)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the error lacks %q:\n%v", name, want, err)
			}
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error shows a value: %v", name, err)
		}
		if slices.ContainsFunc(got, func(entry string) bool { return strings.Contains(entry, secret) }) && name != "set twice" {
			t.Errorf("%s: the environment still has the faulty bundle: %q", name, got)
		}
	}
}

// A bad value in a bundle is a fault of its own setting.
func TestValuesInABundleAreChecked(t *testing.T) {
	environ, err := function.Resolve(context.Background(), []string{`TAIRSSL_SETTINGS={"TAIRSSL_RATE":"fast"}`})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := function.ParseSettings(environ); err == nil || !strings.Contains(err.Error(), "TAIRSSL_RATE:") {
		t.Errorf("the fault is %v, want one of TAIRSSL_RATE", err)
	}
}
