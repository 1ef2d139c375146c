package handler_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"tairssl/handler"
)

func TestDecodeNamesFieldAndRule(t *testing.T) {
	const ok = `"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update"`
	for name, test := range map[string]struct {
		payload string
		want    []string
	}{
		"empty":                    {``, []string{"empty"}},
		"white space":              {" \n", []string{"empty"}},
		"not JSON":                 {`{"InstanceId":`, []string{"not JSON"}},
		"trailing text":            {`{` + ok + `} x`, []string{"not JSON"}},
		"a string":                 {`"update"`, []string{"not a JSON object"}},
		"null":                     {`null`, []string{"not a JSON object"}},
		"invalid UTF-8":            {"{\"InstanceId\":\"r-\xff\xfe\"}", []string{"UTF-8"}},
		"too long":                 {strings.Repeat(" ", 7<<20), []string{"7340032 bytes", "262144"}},
		"no fields":                {`{}`, []string{"InstanceId is required", "SSLEnabled is required"}},
		"null fields":              {`{"InstanceId":null,"SSLEnabled":null}`, []string{"InstanceId is required"}},
		"unknown field":            {`{` + ok + `,"Colour":"red"}`, []string{"Colour is not a field", "InstanceId, SSLEnabled"}},
		"wrong case":               {`{` + ok + `,"regionId":"cn-hangzhou"}`, []string{"regionId is not a field; it is spelt RegionId"}},
		"given twice":              {`{` + ok + `,"SSLEnabled":"Disable"}`, []string{"SSLEnabled is given twice"}},
		"wrong type":               {`{"InstanceId":7,"SSLEnabled":"Update"}`, []string{"InstanceId must be a string, not 7"}},
		"wrong type of switch":     {`{` + ok + `,"DryRun":"yes"}`, []string{`DryRun must be true or false, not "yes"`}},
		"wrong enum":               {`{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"update"}`, []string{`SSLEnabled must be Enable, Disable or Update, not "update"`}},
		"slash in id":              {`{"InstanceId":"r-bp1/../x","SSLEnabled":"Update"}`, []string{`InstanceId "r-bp1/../x" is not an instance id`}},
		"short id":                 {`{"InstanceId":"r-abc","SSLEnabled":"Update"}`, []string{"InstanceId"}},
		"newline after id":         {`{"InstanceId":"r-bp1zxszhcgatnx01\n","SSLEnabled":"Update"}`, []string{"InstanceId"}},
		"bad region":               {`{` + ok + `,"RegionId":"evil.example/"}`, []string{`RegionId "evil.example/" is not a region id`}},
		"duration without unit":    {`{` + ok + `,"Wait":"5"}`, []string{"Wait must be a duration"}},
		"duration as number":       {`{` + ok + `,"RenewBefore":720}`, []string{"RenewBefore must be a duration"}},
		"negative duration":        {`{` + ok + `,"RenewBefore":"-1h"}`, []string{"RenewBefore must not be negative"}},
		"half a year and more":     {`{` + ok + `,"RenewBefore":"4321h"}`, []string{"RenewBefore must be at most 4320h"}},
		"bad time":                 {`{` + ok + `,"SSLExpiredTime":"tomorrow"}`, []string{"SSLExpiredTime must be a time"}},
		"Force without the expiry": {`{` + ok + `,"Force":true}`, []string{"SSLExpiredTime is required with Force"}},
		"Force of Enable":          {`{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Enable","Force":true,"SSLExpiredTime":"2026-12-01T00:00:00Z"}`, []string{"Force goes with SSLEnabled Update only"}},
		"everything at once":       {`{"SSLEnabled":3,"Colour":1,"Wait":"-1s","RegionId":"X"}`, []string{"SSLEnabled must be a string", "Colour", "Wait must not be negative", "RegionId", "InstanceId is required"}},
		"empty batch":              {`[]`, []string{"the batch has 0 requests; it takes 1 to 100"}},
		"batch of 10,000":          {"[" + strings.Repeat("{},", 9999) + "{}]", []string{"the batch has 10000 requests; it takes 1 to 100"}},
		"broken batch":             {`[{},`, []string{"the batch is not JSON"}},
	} {
		t.Run(name, func(t *testing.T) {
			requests, _, err := handler.Decode([]byte(test.payload))
			if err == nil {
				err = requests[0].Validate()
			}
			if err == nil {
				t.Fatalf("%.80s was taken for a good request", test.payload)
			}
			if kind := handler.AsError(err).Kind; kind != handler.Invalid {
				t.Errorf("the fault is of kind %s, want invalid", kind)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q:\n%v", want, err)
				}
			}
			if len(err.Error()) > 1500 {
				t.Errorf("the error is %d bytes long", len(err.Error()))
			}
		})
	}
}

func TestDecodeReadsEveryField(t *testing.T) {
	payload := `{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update","RegionId":"cn-hangzhou","RenewBefore":"720h","SSLExpiredTime":"2026-12-01T08:00:00+08:00","Force":true,"Automatic":true,"DryRun":true,"Wait":"2m"}`
	requests, batch, err := handler.Decode([]byte(payload))
	if err != nil || batch || len(requests) != 1 {
		t.Fatalf("got %v, batch %v, %v", requests, batch, err)
	}
	if err := requests[0].Validate(); err != nil {
		t.Fatalf("the request of the contract is refused: %v", err)
	}
	got, err := json.Marshal(requests[0].Request)
	want := `{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update","RegionId":"cn-hangzhou","RenewBefore":"720h0m0s","SSLExpiredTime":"2026-12-01T00:00:00Z","Force":true,"Automatic":true,"DryRun":true,"Wait":"2m0s"}`
	if err != nil || string(got) != want {
		t.Errorf("read as\n%s\nwant\n%s\n%v", got, want, err)
	}
}

func TestDecodeTakesEveryFormOfInstanceID(t *testing.T) {
	for _, id := range []string{"r-bp1zxszhcgatnx01", "tt-bp1z", "abcdefgh01234567", "r-" + strings.Repeat("a", 40)} {
		if err := (handler.Request{InstanceID: id, SSLEnabled: handler.Update}).Validate(); err != nil {
			t.Errorf("%s is refused: %v", id, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update","Wait":"1m"}`))
	f.Add([]byte(`[{"InstanceId":"r-bp1zxszhcgatnx01"},[],null,{"a":{"a":1}}]`))
	f.Add([]byte(`{"SSLExpiredTime":"`))
	f.Fuzz(func(t *testing.T, data []byte) {
		requests, _, err := handler.Decode(data)
		if err == nil && (len(requests) == 0 || len(requests) > handler.MaxBatch) {
			t.Fatalf("decoded to %d requests without an error", len(requests))
		}
		for _, r := range requests {
			if r.Validate() != nil {
				continue
			}
			// A valid request can be encoded and read again.
			text, err := json.Marshal(r.Request)
			if err != nil {
				t.Fatal(err)
			}
			again, _, err := handler.Decode(text)
			if err != nil || again[0].Validate() != nil {
				t.Fatalf("%s was good and is not any more: %v", text, err)
			}
		}
	})
}

func TestMembersShowWhatStandsThere(t *testing.T) {
	text := ` { "a" : 1 , "b\u0022" : "x\\\"},{" , "c":{"d":["}",{}]}, "a":null,"e":[ ],"f":true } `
	if !json.Valid([]byte(text)) {
		t.Fatal("the text is not JSON")
	}
	var got []string
	for name, value := range handler.Members([]byte(text)) {
		got = append(got, name+"="+string(value))
	}
	want := []string{`a=1`, `b"="x\\\"},{"`, `c={"d":["}",{}]}`, `a=null`, `e=[ ]`, `f=true`}
	if !slices.Equal(got, want) {
		t.Errorf("the members are\n%q, want\n%q", got, want)
	}
}

// Members agrees with encoding/json on every object.
func FuzzMembers(f *testing.F) {
	f.Add([]byte(`{"a":"\u0000","b":{"c":[1,"]"]},"":-1e9}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var want map[string]json.RawMessage
		if json.Unmarshal(text, &want) != nil || want == nil {
			return
		}
		got := map[string]json.RawMessage{}
		for name, value := range handler.Members(text) {
			got[strings.ToValidUTF8(name, "\uFFFD")] = value
		}
		for name, value := range want {
			if _, ok := got[name]; !ok && utf8.Valid(text) {
				t.Fatalf("%q has a member %q, which is not among %q", text, name, got)
			}
			if utf8.Valid(text) && string(got[name]) != string(value) {
				t.Fatalf("the member %q of %q is %q, want %q", name, text, got[name], value)
			}
		}
		if utf8.Valid(text) && len(got) != len(want) {
			t.Fatalf("%q has the members %q, want %q", text, got, want)
		}
	})
}
