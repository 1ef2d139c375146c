package doctor

import (
	"tairssl/adapters/function"
	"tairssl/handler"
)

// credentials finds out where the credential comes from and whose it is. Of the
// credential itself nothing is shown.
func (x *examination) credentials() (findings []Finding) {
	get := function.Getenv(x.Environ)
	source := function.CredentialSource(x.Environ)
	const on = ""
	by := "the " + string(source)
	switch {
	case x.Source != "" && !function.NamesCredential(x.Environ):
		by = x.Source
	case source == function.FromKey && get("ALIBABA_CLOUD_SECURITY_TOKEN") != "":
		by = "the temporary " + string(source)
	case source == function.FromFederation:
		// Only inside that cloud is there somebody to ask for the token.
		x.rejected = true
		return []Finding{fail(Credentials, on, handler.Forbidden, by+" is not at hand here: the cloud gives it to its functions alone",
			"to examine from here, set ALIBABA_CLOUD_OIDC_TOKEN_FILE, or an access key that may do the same")}
	}
	if source == function.FromKey && get("ALIBABA_CLOUD_ROLE_ARN") != "" {
		findings = append(findings, warn(Credentials, "ALIBABA_CLOUD_ROLE_ARN", "is not used, for the access key comes first", "unset the access key, or the role"))
	}
	if _, err := x.Credentials(x.ctx); err != nil {
		x.rejected = true
		f := x.called(Credentials, on, err)
		if f.Fix = "see adapters/lambda/README.md, \"When the trust does not work\""; source == function.FromKey {
			f.Fix = "run aliyun configure, or export the two variables"
		}
		return append(findings, f)
	}
	who, err := x.client.Identity(x.ctx, x.settings.STSEndpoint, x.settings.Region[0])
	e := handler.AsError(err)
	switch {
	case err == nil:
	case x.over() != "":
		return append(findings, x.called(Credentials, on, err))
	case e.Kind == handler.Forbidden:
		x.rejected = true
		f := x.called(Credentials, on, err)
		f.Fix = "get a new credential"
		return append(findings, f)
	default:
		f := unknown(Credentials, on, by+" is there, and whose it is cannot be found out: "+e.Message, "let this network out to Alibaba's STS, or set TAIRSSL_STS_ENDPOINT, to https://sts.aliyuncs.com for one; renewals do not need it, unless by an identity token")
		f.Code, f.RequestID = e.Code, e.RequestID
		return append(findings, f)
	}
	x.who = who
	if who.Kind == "Account" {
		return append(findings, warn(Credentials, on, "account "+who.AccountID+" itself, which may do everything, by "+by, "use a RAM user or role that may do what adapters/tair/policy.json says, and no more"))
	}
	return append(findings, pass(Credentials, on, "%s, a %s of account %s, by %s", who.ARN, who.Kind, who.AccountID, by))
}
