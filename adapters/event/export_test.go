package event

// InstanceLabels are the labels of alerts, in their order.
var InstanceLabels = instanceLabels
