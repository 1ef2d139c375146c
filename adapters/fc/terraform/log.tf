resource "alicloud_log_project" "this" {
  project_name = var.log_project
  description  = "Log of tairssl"
  lifecycle {
    prevent_destroy = true
  }
}

resource "alicloud_log_store" "this" {
  project_name     = alicloud_log_project.this.project_name
  logstore_name    = var.name
  retention_period = var.log_retention_days
  shard_count      = 1
  lifecycle {
    prevent_destroy = true
  }
}

locals {
  # The same as adapters/fc/logindex.json.
  index = {
    "level"           = "text"
    "msg"             = "text"
    "invocation_id"   = "text"
    "trigger"         = "text"
    "event_id"        = "text"
    "actor"           = "text"
    "verb"            = "text"
    "route"           = "text"
    "scheme"          = "text"
    "denied"          = "text"
    "instance"        = "text"
    "instance_name"   = "text"
    "region"          = "text"
    "action"          = "text"
    "wrote"           = "text"
    "outcome"         = "text"
    "reason"          = "text"
    "rule"            = "text"
    "approved_by"     = "text"
    "request_id"      = "text"
    "task_id"         = "text"
    "expiry_before"   = "text"
    "expiry_after"    = "text"
    "kind"            = "text"
    "code"            = "text"
    "error_type"      = "text"
    "status"          = "long"
    "requests"        = "long"
    "verified"        = "long"
    "accepted"        = "long"
    "unchanged"       = "long"
    "planned"         = "long"
    "deferred"        = "long"
    "in_progress"     = "long"
    "refused"         = "long"
    "unknown"         = "long"
    "failed"          = "long"
    "seen"            = "long"
    "due"             = "long"
    "listed"          = "long"
    "read"            = "long"
    "unread"          = "long"
    "no_tls"          = "long"
    "empty_regions"   = "text"
    "unread_regions"  = "text"
    "notices_failed"  = "long"
    "version"         = "text"
    "at_risk"         = "long"
    "sweep_succeeded" = "long"
    "api_calls"       = "long"
    "api_ms"          = "long"
    "throttled"       = "long"
    "duration_ms"     = "long"
    "days_to_expiry"  = "double"
  }

  # The same as adapters/fc/ros.yaml.
  alerts = {
    "heartbeat" = { title = "no sweep has succeeded for hours", says = "Certificates without an event are not renewed. See the log, then the queue of failed invocations.", start = "-${var.heartbeat_hours}h", every = "15m", no_data = true, when = "sweeps < 1", query = "message.msg: invocation | select coalesce(sum(\"message.sweep_succeeded\"), 0) as sweeps" }
    "days"      = { title = "a certificate expires soon", says = "It has not been renewed. tairssl status names it, and the log of the last sweep gives the reason.", start = "-1h", every = "15m", no_data = false, when = "days < ${var.alarm_days_to_expiry}", query = "message.msg: invocation | select min(\"message.days_to_expiry\") as days" }
    "coverage"  = { title = "a sweep could not read every instance", says = "A due certificate may be missed. The log of the sweep names the instances and the reasons.", start = "-1h", every = "15m", no_data = false, when = "unread > 0", query = "message.msg: invocation | select coalesce(max(\"message.unread\"), 0) as unread" }
    "at-risk"   = { title = "a person has to act", says = "Either no window opens before a certificate expires, or a CA changed. See tairssl status and the log.", start = "-1h", every = "15m", no_data = false, when = "at_risk > 0", query = "message.msg: invocation | select coalesce(sum(\"message.at_risk\"), 0) as at_risk" }
    "unknown"   = { title = "a change may or may not have happened", says = "Look at tairssl status after some minutes. Do not use --force.", start = "-15m", every = "5m", no_data = false, when = "unknown > 0", query = "message.msg: invocation | select coalesce(sum(\"message.unknown\"), 0) as unknown" }
    "failed"    = { title = "a change failed", says = "The log has the kind of the failure and advice.", start = "-15m", every = "5m", no_data = false, when = "failed > 0", query = "message.msg: invocation | select coalesce(sum(\"message.failed\"), 0) as failed" }
    "notices"   = { title = "a notice was not delivered", says = "A chat or a webhook refused a notice. The log names the place and the error.", start = "-1h", every = "15m", no_data = false, when = "notices > 0", query = "message.msg: invocation | select coalesce(sum(\"message.notices_failed\"), 0) as notices" }
    "errors"    = { title = "invocations keep failing", says = "If settings are wrong, the log names all of them. Invocations whose last try failed are in the queue.", start = "-30m", every = "5m", no_data = false, when = "errors > 2", query = "message.msg: invocation and message.error_type: * | select count(*) as errors" }
  }
}

resource "alicloud_log_store_index" "this" {
  project  = alicloud_log_project.this.project_name
  logstore = alicloud_log_store.this.logstore_name
  full_text {
    case_sensitive = false
  }
  field_search {
    name = "functionName"
    type = "text"
  }
  field_search {
    name = "message"
    type = "json"
    dynamic "json_keys" {
      for_each = local.index
      content {
        name = json_keys.key
        type = json_keys.value
      }
    }
  }
}

resource "alicloud_log_alert" "this" {
  for_each          = var.action_policy_id == "" ? {} : local.alerts
  version           = "2.0"
  type              = "default"
  project_name      = alicloud_log_project.this.project_name
  alert_name        = "${var.name}-${each.key}"
  alert_displayname = "${var.name}: ${each.value.title}"
  alert_description = each.value.says
  dashboard         = "internal-alert-analysis"
  threshold         = 1
  no_data_fire      = each.value.no_data
  no_data_severity  = 8
  send_resolved     = false # missing data does not mean that all is well
  auto_annotation   = true
  query_list {
    store          = alicloud_log_store.this.logstore_name
    store_type     = "log"
    project        = alicloud_log_project.this.project_name
    region         = local.region
    query          = each.value.query
    start          = each.value.start
    end            = "now"
    time_span_type = "Relative"
    power_sql_mode = "auto"
  }
  group_configuration {
    type = "no_group"
  }
  severity_configurations {
    severity       = 8
    eval_condition = { condition = each.value.when, count_condition = "" }
  }
  annotations {
    key   = "title"
    value = "${var.name}: ${each.value.title}"
  }
  annotations {
    key   = "desc"
    value = each.value.says
  }
  policy_configuration {
    alert_policy_id  = "sls.builtin.dynamic"
    action_policy_id = var.action_policy_id
    repeat_interval  = "4h"
  }
  schedule {
    type     = "FixedRate"
    interval = each.value.every
  }
  depends_on = [alicloud_log_store_index.this]
}
