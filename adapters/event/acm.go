package event

import "tairssl/handler"

// acmExpiry is the news of AWS Certificate Manager that a certificate expires.
var acmExpiry = busEvent{"acm", "aws.acm", []string{"ACM Certificate Approaching Expiration", "ACM Certificate Expired"}, (*reader).acm}

// acm asks to renew the instances that serve the certificate.
func (r *reader) acm(detail shape, resources []string) Asked {
	return r.certificate("acm", append(resources, detail.text("CommonName"), detail.text("FirstSubjectAlternativeName"))...)
}

// configCompliance is the news of a rule of AWS Config, such as
// acm-certificate-expiration-check.
var configCompliance = busEvent{"config", "aws.config", []string{"Config Rules Compliance Change"}, (*reader).compliance}

// compliance asks to renew the instances whose certificate breaks the rule.
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
