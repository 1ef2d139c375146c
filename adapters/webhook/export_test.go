package webhook

var GrafanaSign = grafanaSign
