package event

import "tairssl/handler"

// isACM recognises the news of AWS Certificate Manager that a certificate expires.
func isACM(source, kind string) bool {
	return source == "aws.acm" && (kind == "ACM Certificate Approaching Expiration" || kind == "ACM Certificate Expired")
}

// acm asks to renew the instances that serve an expiring certificate of ACM.
func (r *reader) acm(detail shape, resources []string) Asked {
	return r.certificate("acm", append(resources, detail.text("CommonName"), detail.text("FirstSubjectAlternativeName"))...)
}

// compliance asks to renew the instances that serve a certificate which a rule of AWS
// Config reports. Such a rule is acm-certificate-expiration-check.
func (r *reader) compliance(detail shape, resources []string) Asked {
	switch kind := detail.text("resourceType"); kind {
	case "AWS::ACM::Certificate", "AWS::IAM::ServerCertificate":
	default:
		return one("config", handler.Unchangedf("the resource is of type %q, no certificate", kind))
	}
	evaluation := detail.object("newEvaluationResult")
	if c := evaluation.text("complianceType"); c != "NON_COMPLIANT" {
		return one("config", handler.Unchangedf("the compliance is %q, which asks for nothing", c))
	}
	return r.certificate("config", append(resources, detail.text("resourceId"))...)
}
