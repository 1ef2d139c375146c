# Two functions with the same binary, so that a long sweep never makes chat wait.

data "alicloud_account" "current" {}

data "alicloud_regions" "current" {
  current = true
}

locals {
  account = data.alicloud_account.current.id
  region  = data.alicloud_regions.current.regions[0].id
  failed  = "acs:mns:${local.region}:${local.account}:/queues/${alicloud_message_service_queue.failed.queue_name}"

  settings = merge({
    TAIRSSL_PAUSE = var.pause ? "1" : ""
  }, var.settings)

  # A change takes some minutes, and a sweep goes on only when its first change is
  # verified.
  functions = {
    function = {
      name        = var.name
      role        = var.name
      description = "Does unattended work (sweeps, events, queues, and direct invocations)."
      timeout     = 900
      age         = 21600
      retries     = 3
      concurrency = 10
      variables   = { TAIRSSL_WAIT = lookup(var.settings, "TAIRSSL_WAIT", "5m") }
    }
    webhooks = {
      name        = "${var.name}-webhooks"
      role        = "${var.name}-webhooks"
      description = "Answers webhooks and chat, and does the work that chat hands over."
      timeout     = 300
      age         = 600
      retries     = 2
      concurrency = 20
      variables   = {}
    }
  }
}

resource "alicloud_fcv3_function" "this" {
  for_each             = local.functions
  function_name        = each.value.name
  description          = each.value.description
  runtime              = "go1"
  handler              = "bootstrap"
  cpu                  = 0.25
  memory_size          = 256
  disk_size            = 512
  timeout              = each.value.timeout
  instance_concurrency = each.value.concurrency
  internet_access      = true
  role                 = "acs:ram::${local.account}:role/${alicloud_ram_role.function[each.key].role_name}"
  environment_variables = merge(local.settings, each.value.variables,
    var.secrets ? { TAIRSSL_SECRETS = "kms:${var.name}/${each.key}" } : {},
    # Without the checksum a change of the package alone is not noticed.
    { PACKAGE_MD5 = filemd5(var.zip) },
  )
  code {
    zip_file = filebase64(var.zip)
  }
  log_config {
    project                 = alicloud_log_project.this.project_name
    logstore                = alicloud_log_store.this.logstore_name
    enable_request_metrics  = true
    enable_instance_metrics = true
    log_begin_rule          = "None"
  }
}

# Limits the cost of a flood of requests.
resource "alicloud_fcv3_concurrency_config" "this" {
  for_each             = local.functions
  function_name        = alicloud_fcv3_function.this[each.key].function_name
  reserved_concurrency = 5
}

resource "alicloud_fcv3_async_invoke_config" "this" {
  for_each                       = local.functions
  function_name                  = alicloud_fcv3_function.this[each.key].function_name
  qualifier                      = var.qualifier
  max_async_event_age_in_seconds = each.value.age
  max_async_retry_attempts       = each.value.retries
  destination_config {
    on_failure {
      destination = "${local.failed}/messages"
    }
  }
}
