package tairtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
)

// account is the account that owns all instances.
const account = "1234567890123456"

// Policy sets the rights of all callers to a policy of RAM, in RAM's JSON (Version,
// Statement with Effect, Action, Resource, Condition). A Deny wins. An action without an
// Allow is denied. Before the first policy everything is allowed.
//
// The only condition it knows is StringEquals on kvstore:SSLEnabled. Any other condition,
// and a text that is not a policy, is an error and changes nothing.
func (e *Emulator) Policy(document []byte) error {
	p, err := parsePolicy(document)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.policy = p
	return nil
}

// ram is a policy of RAM.
type ram struct {
	Version   string
	Statement []ramStatement
}

type ramStatement struct {
	Effect           string
	Action, Resource oneOrMore
	Condition        map[string]map[string]oneOrMore
}

// oneOrMore is a field that is a string or an array of strings.
type oneOrMore []string

func (l *oneOrMore) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*l = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(l))
}

const sslEnabledKey = "kvstore:SSLEnabled"

func parsePolicy(document []byte) (*ram, error) {
	var p ram
	dec := json.NewDecoder(strings.NewReader(string(document)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		return nil, fmt.Errorf("the policy is unreadable: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("there is text after the policy")
	}
	if p.Version != "1" {
		return nil, fmt.Errorf("the policy's Version is %q; it is \"1\"", p.Version)
	}
	for n, s := range p.Statement {
		switch {
		case s.Effect != "Allow" && s.Effect != "Deny":
			return nil, fmt.Errorf("the policy's Statement[%d].Effect is %q, neither Allow nor Deny", n, s.Effect)
		case len(s.Action) == 0 || len(s.Resource) == 0:
			return nil, fmt.Errorf("the policy's Statement[%d] lacks its Action or Resource", n)
		}
		for operator, keys := range s.Condition {
			for key := range keys {
				if operator != "StringEquals" || key != sslEnabledKey {
					return nil, fmt.Errorf("the policy's Statement[%d].Condition: %s on %s is not emulated", n, operator, key)
				}
			}
		}
	}
	return &p, nil
}

// allows judges an action on a resource. A nil policy allows everything.
func (p *ram) allows(action, resource, sslEnabled string) bool {
	if p == nil {
		return true
	}
	allowed := false
	for _, s := range p.Statement {
		if !matches(s.Action, action) || !matches(s.Resource, resource) {
			continue
		}
		if values, ok := s.Condition["StringEquals"][sslEnabledKey]; ok && !slices.Contains(values, sslEnabled) {
			continue
		}
		if s.Effect == "Deny" {
			return false
		}
		allowed = true
	}
	return allowed
}

// matches reports whether a pattern of a policy fits. * stands for any text and ? for one
// character.
func matches(patterns []string, s string) bool {
	// The * of path.Match stops at a slash. The * of a policy does not.
	flat := strings.NewReplacer("/", "\x00", "[", `\[`)
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, _ := path.Match(flat.Replace(pattern), strings.ReplaceAll(s, "/", "\x00"))
		return ok
	})
}

var denied = &refusal{http.StatusForbidden, "Forbidden.RAM", "User not authorized to operate on the specified resource, or this API doesn't support RAM."}

// authorize judges a call by the policy. The caller holds e.mu.
func (e *Emulator) authorize(c call) *refusal {
	p := c.params
	if p["Action"] == "GetCallerIdentity" { // it needs no right
		return nil
	}
	ids := p.list("ResourceId")
	if p["InstanceId"] != "" {
		ids = []string{p["InstanceId"]}
	}
	if len(ids) == 0 {
		ids = []string{"*"}
	}
	for _, id := range ids {
		region := c.region
		if i := e.reached(c, id); i != nil {
			region = i.RegionID
		}
		resource := "acs:kvstore:" + region + ":" + account + ":instance/" + id
		if !e.policy.allows("kvstore:"+p["Action"], resource, p["SSLEnabled"]) {
			return denied
		}
	}
	return nil
}

func getCallerIdentity(_ *Emulator, c call) (object, *refusal) {
	return object{"IdentityType": "RAMUser", "AccountId": account, "PrincipalId": "216959339000654321", "UserId": "216959339000654321",
		"Arn": "acs:ram::" + account + ":user/" + c.params["AccessKeyId"]}, nil
}
