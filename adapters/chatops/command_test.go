package chatops_test

import (
	"strings"
	"testing"

	"tairssl/adapters/chatops"
)

func TestCommandsAsPeopleTypeThem(t *testing.T) {
	for typed, want := range map[string]string{
		"":                                    "help",
		"help":                                "help",
		"Status":                              "status",
		" status  " + id + "\u3000tt-abcd12 ": "status " + id + " tt-abcd12",
		"Update " + id:                        "update " + id,
		"update\u00a0" + id + " —dry-run":     "update " + id + " dry-run",
		"update " + id + " –dry–run":          "update " + id + " dry-run",
		"update “" + id + "” region=cn-shanghai": "update " + id + " @cn-shanghai",
		"<@U123> update " + id:                   "update " + id,
		"<at>tair</at> update " + id:             "update " + id,
		"@bot enable `" + id + "`":               "enable " + id,
		"confirm k7q2-9m4x-tpdw-6hac":            "confirm k7q29m4xtpdw6hac",
		"Confirm K7Q2 9M4X TPDW 6HAC.":           "confirm K7Q29M4XTPDW6HAC",
		"confirm K7Q29M4XTPDW6HAC":               "confirm K7Q29M4XTPDW6HAC",
		"K7Q2-9M4X-TPDW-6HAC":                    "confirm K7Q29M4XTPDW6HAC",
		"确认Ｋ７Ｑ２－９Ｍ４Ｘ－ＴＰＤＷ－６ＨＡＣ。":                 "confirm K7Q29M4XTPDW6HAC",
		"update r-x (cn-hangzhou)\nTo go on, send within 5 minutes:\nconfirm K7Q2-9M4X-TPDW-6HAC": "confirm K7Q29M4XTPDW6HAC",
	} {
		c, err := chatops.Parse(typed)
		got := strings.TrimSpace(c.Verb + " " + strings.Join(c.Instances, " "))
		if c.DryRun {
			got += " dry-run"
		}
		if c.Region != "" {
			got += " @" + c.Region
		}
		if c.Code != "" {
			got += " " + c.Code
		}
		if err != nil || got != want {
			t.Errorf("%q is read as %q, %v; want %q", typed, got, err, want)
		}
	}
}

func TestWordsThatAreNotUnderstood(t *testing.T) {
	for typed, want := range map[string]string{
		"udpate " + id:                              "Did you mean update?",
		"staus":                                     "Did you mean status?",
		"update " + id + " dryrun":                  "Did you mean dry-run?",
		"update " + id + " --region cn-x":           "Did you mean region=cn-hangzhou?",
		"status --all":                              "Did you mean status?",
		"status " + id + " dry-run":                 "tatus changes nothing",
		"update " + id + " region=cn-a region=cn-b": "two regions",
		"update":                           "needs an instance",
		"update a1 a2 a3 a4 a5 a6":         "The limit is 5",
		"update " + id + " region=Nowhere": "not a region",
		"confirm":                          "needs the code",
		"confirm a b":                      "needs the code",
		"confirm update.r-x.cn.1.2.3":      "needs the code",
		"rm -rf /":                         "do not know the word",
		strings.Repeat("a", 600):           "too long",
		"\xff":                             "not text",
	} {
		if _, err := chatops.Parse(typed); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q is answered %v, want %q", typed, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("update " + id + " —dry-run region=cn-hangzhou")
	f.Add("<at>x</at> confirm a.b")
	f.Add("确认 k7q2-9m4x-tpdw-6hac")
	f.Add("状态 <http://r-bp1.redis.rds.aliyuncs.com|x>，orders-cache。")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := chatops.Parse(text)
		if err != nil {
			if len(err.Error()) > 300 || strings.ContainsAny(err.Error(), "<>*`") {
				t.Fatalf("%q is answered %q", text, err)
			}
			return
		}
		if c.Verb == "" || c.Code != "" && len(c.Code) != 16 || len(c.Instances) > 20 {
			t.Fatalf("%q is read as %+v", text, c)
		}
	})
}
