# Two functions with the same binary, so that a long sweep never makes chat wait.

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}
data "aws_partition" "current" {}

locals {
  arn     = "arn:${data.aws_partition.current.partition}"
  account = data.aws_caller_identity.current.account_id
  region  = data.aws_region.current.region

  settings = merge({
    ALIBABA_CLOUD_ROLE_ARN          = "acs:ram::${data.alicloud_account.current.id}:role/${alicloud_ram_role.tairssl.role_name}"
    ALIBABA_CLOUD_OIDC_PROVIDER_ARN = local.provider_arn
    TAIRSSL_OIDC_AUDIENCE           = var.oidc_audience
    TAIRSSL_METRICS                 = "emf:${var.name}"
    TAIRSSL_PAUSE                   = var.pause ? "1" : ""
  }, var.settings)

  # A change takes some minutes, and a sweep goes on only when its first change is
  # verified.
  functions = {
    function = {
      name        = var.name
      description = "Does unattended work (sweeps, events, the queue, and direct invocations)."
      timeout     = 900
      age         = 21600
      secret      = var.function_secret
      variables   = { TAIRSSL_WAIT = lookup(var.settings, "TAIRSSL_WAIT", "5m") }
      concurrency = -1
    }
    webhooks = {
      name        = "${var.name}-webhooks"
      description = "Answers webhooks and chat, and does the work that chat hands over."
      timeout     = 300
      age         = 600
      secret      = var.webhooks_secret
      variables   = {}
      concurrency = var.http ? var.webhook_reserved_concurrency : -1
    }
  }
}

resource "aws_cloudwatch_log_group" "this" {
  for_each          = local.functions
  name              = "/tairssl/${each.value.name}"
  retention_in_days = var.log_retention_days
  skip_destroy      = true # logs outlive the deployment
}

resource "aws_lambda_function" "this" {
  for_each                       = local.functions
  function_name                  = each.value.name
  description                    = each.value.description
  role                           = aws_iam_role.this[each.key].arn
  filename                       = var.zip
  source_code_hash               = filebase64sha256(var.zip)
  handler                        = "bootstrap"
  runtime                        = "provided.al2023"
  architectures                  = ["arm64"]
  memory_size                    = 256
  timeout                        = each.value.timeout
  layers                         = each.value.secret != "" ? [var.secrets_extension_arn] : []
  reserved_concurrent_executions = each.value.concurrency
  environment {
    variables = merge(local.settings, each.value.variables, each.value.secret != "" ? { TAIRSSL_SECRETS = "secretsmanager:${each.value.secret}" } : {})
  }
  logging_config {
    log_format            = "JSON"
    application_log_level = lookup(var.settings, "TAIRSSL_LOG_LEVEL", "info") == "debug" ? "DEBUG" : "INFO"
    log_group             = aws_cloudwatch_log_group.this[each.key].name
  }
  lifecycle {
    precondition {
      condition     = each.value.secret == "" || var.secrets_extension_arn != ""
      error_message = "A secret needs secrets_extension_arn."
    }
  }
}

# All callers use these aliases. An alias leads to the last deployment, unless somebody
# pins it to a published version. An apply does not change a pinned alias.
resource "aws_lambda_alias" "this" {
  for_each         = local.functions
  name             = "live"
  function_name    = aws_lambda_function.this[each.key].function_name
  function_version = "$LATEST"
  lifecycle {
    ignore_changes = [function_version, routing_config]
  }
}

resource "aws_lambda_function_event_invoke_config" "this" {
  for_each                     = local.functions
  function_name                = aws_lambda_function.this[each.key].function_name
  qualifier                    = aws_lambda_alias.this[each.key].name
  maximum_event_age_in_seconds = each.value.age
  maximum_retry_attempts       = 2
  destination_config {
    on_failure {
      destination = aws_sqs_queue.failed_invocations.arn
    }
  }
}
