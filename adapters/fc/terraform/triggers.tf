locals {
  run_options = {
    mode            = "event-driven"
    errorsTolerance = "ALL"
    retryStrategy   = { PushRetryStrategy = "BACKOFF_RETRY" }
    deadLetterQueue = { Arn = local.failed }
  }
  sink = { deliveryOption = { mode = "event-driven", eventSchema = "CloudEvents" } }

  triggers = {
    # The hourly sweep finds every due certificate, even if no event named it.
    sweep = {
      function = "function", type = "timer", source = null, role = null
      says     = "Looks at every instance and renews due certificates."
      config   = jsonencode({ cronExpression = "0 7 * * * *", enable = true, payload = jsonencode({ Sweep = {} }) })
    }
    # Events of Alibaba's own bus. They are delivered asynchronously, so a failed delivery
    # is repeated and finally ends in the queue of failed invocations.
    events = {
      function = "function", type = "eventbridge", source = null, role = null
      says     = "Scheduled operations of Tair instances, and expiring certificates of SLB."
      config = jsonencode({
        triggerEnable       = true
        asyncInvocationType = true
        eventRuleFilterPattern = jsonencode({
          source = ["acs.kvstore", "acs:kvstore", "acs.slb", "acs:slb"]
          type   = [{ prefix = "kvstore:CloudMonitor:Instance[SystemMaintenance.ScheduledOperation:Scheduled]" }, { prefix = "slb:CloudMonitor:CertKeyExpired" }]
        })
        eventSourceConfig = { eventSourceType = "Default", eventSourceParameters = {} }
        eventSinkConfig   = local.sink
        runOptions        = local.run_options
      })
    }
    requests = {
      function = "function", type = "eventbridge", source = null, role = null
      says     = "Requests in the MNS queue of the deployment's name."
      config = jsonencode({
        triggerEnable          = true
        asyncInvocationType    = false
        eventRuleFilterPattern = "{}"
        eventSourceConfig = {
          eventSourceType       = "MNS"
          eventSourceParameters = { sourceMNSParameters = { RegionId = local.region, QueueName = alicloud_message_service_queue.requests.queue_name, IsBase64Decode = true } }
        }
        eventSinkConfig = local.sink
        runOptions      = merge(local.run_options, { retryStrategy = { PushRetryStrategy = "EXPONENTIAL_DECAY_RETRY" } })
      })
    }
    topic = {
      function = "function", type = "mns_topic"
      source   = "acs:mns:${local.region}:${local.account}:/topics/${alicloud_message_service_topic.this.topic_name}"
      role     = "acs:ram::${local.account}:role/${alicloud_ram_role.topic.role_name}"
      says     = "Requests published to the MNS topic of the deployment's name."
      config   = jsonencode({ notifyContentFormat = "JSON", notifyStrategy = "EXPONENTIAL_DECAY_RETRY" })
    }
    http = {
      function = "webhooks", type = "http", source = null, role = null
      says     = "Every route checks the signature of its callers."
      config   = jsonencode({ authType = "anonymous", methods = ["GET", "POST", "PUT", "OPTIONS"], disableURLInternet = false })
    }
  }
}

resource "alicloud_fcv3_trigger" "this" {
  for_each        = local.triggers
  function_name   = alicloud_fcv3_function.this[each.value.function].function_name
  trigger_name    = each.key
  trigger_type    = each.value.type
  description     = each.value.says
  qualifier       = var.qualifier
  source_arn      = each.value.source
  invocation_role = each.value.role
  trigger_config  = each.value.config
  depends_on      = [alicloud_event_bridge_service_linked_role.this, alicloud_ram_role_policy_attachment.topic]
}

# Queues may hold requests. To keep the queues, remove them from the state before you
# destroy the rest: README.md, Remove.
resource "alicloud_message_service_queue" "requests" {
  queue_name               = var.name
  visibility_timeout       = 6 * local.functions.function.timeout # no message returns while it is being handled
  message_retention_period = 604800
  lifecycle {
    prevent_destroy = true
  }
}

resource "alicloud_message_service_queue" "failed" {
  queue_name               = "${var.name}-failed"
  visibility_timeout       = 300
  message_retention_period = 604800
  lifecycle {
    prevent_destroy = true
  }
}

resource "alicloud_message_service_topic" "this" {
  topic_name = var.name
}
