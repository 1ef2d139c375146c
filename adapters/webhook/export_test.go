package webhook

var (
	LarkDecrypt = larkDecrypt
	GrafanaSign = grafanaSign
)
