package doctor

import (
	"tairssl/adapters/function"
	"tairssl/handler"
)

// credentials finds out where the credential comes from and which user or role it
// belongs to. The findings never show the credential itself.
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
		// Only a function inside that cloud can ask for the token.
		x.rejected = true
		return []Finding{fail(Credentials, on, handler.Forbidden, by+" is not available here: the cloud gives it only to its functions",
			"to run the doctor here, set ALIBABA_CLOUD_OIDC_TOKEN_FILE, or an access key with the same rights")}
	}
	if source == function.FromKey && get("ALIBABA_CLOUD_ROLE_ARN") != "" {
		findings = append(findings, warn(Credentials, "ALIBABA_CLOUD_ROLE_ARN", "is not used, because the access key comes first", "unset the access key or the role"))
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
		f.Fix = "create a new access key, or get a new token, and set it"
		return append(findings, f)
	default:
		f := unknown(Credentials, on, "there is "+by+", but STS could not say which user or role it belongs to: "+e.Message,
			"let this network connect to Alibaba's STS, or set TAIRSSL_STS_ENDPOINT, for example to https://sts.aliyuncs.com; renewals need STS only with an identity token")
		f.Code, f.RequestID = e.Code, e.RequestID
		return append(findings, f)
	}
	x.who = who
	if who.Kind == "Account" {
		return append(findings, warn(Credentials, on, "the root account "+who.AccountID+", which has every right, by "+by, "use a RAM user or role that has only the rights in adapters/tair/policy.json"))
	}
	return append(findings, pass(Credentials, on, "%s, a %s of account %s, by %s", who.ARN, who.Kind, who.AccountID, by))
}
