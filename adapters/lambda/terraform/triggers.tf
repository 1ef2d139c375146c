# The hourly sweep finds every due certificate, even if no event named it.
resource "aws_scheduler_schedule" "sweep" {
  name                = "${var.name}-sweep"
  description         = "Looks at every instance and renews due certificates."
  schedule_expression = var.schedule
  flexible_time_window {
    mode = "OFF"
  }
  target {
    arn      = aws_lambda_alias.this["function"].arn
    role_arn = aws_iam_role.sweep.arn
    input    = jsonencode({ Sweep = {} })
    retry_policy {
      maximum_event_age_in_seconds = 3300
      maximum_retry_attempts       = 3
    }
    dead_letter_config {
      arn = aws_sqs_queue.failed_invocations.arn
    }
  }
}

locals {
  rules = merge({
    acm = {
      source        = ["aws.acm"]
      "detail-type" = ["ACM Certificate Approaching Expiration", "ACM Certificate Expired"]
    }
    config = {
      source        = ["aws.config"]
      "detail-type" = ["Config Rules Compliance Change"]
      detail = {
        messageType         = ["ComplianceChangeNotification"]
        resourceType        = ["AWS::ACM::Certificate"]
        newEvaluationResult = { complianceType = ["NON_COMPLIANT"] }
      }
    }
  }, var.custom_event_source == "" ? {} : { custom = { source = [var.custom_event_source] } })
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each      = local.rules
  name          = "${var.name}-${each.key}"
  event_pattern = jsonencode(each.value)
}

resource "aws_cloudwatch_event_target" "this" {
  for_each  = local.rules
  rule      = aws_cloudwatch_event_rule.this[each.key].name
  target_id = "function"
  arn       = aws_lambda_alias.this["function"].arn
  dead_letter_config {
    arn = aws_sqs_queue.failed_invocations.arn
  }
}

resource "aws_lambda_permission" "rule" {
  for_each      = local.rules
  function_name = aws_lambda_function.this["function"].function_name
  qualifier     = aws_lambda_alias.this["function"].name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.this[each.key].arn
}

resource "aws_lambda_event_source_mapping" "queue" {
  event_source_arn        = aws_sqs_queue.requests.arn
  function_name           = aws_lambda_alias.this["function"].arn
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"]
  # The limit is set here and not by reserved concurrency. Messages that reserved
  # concurrency throttles count as received and become dead letters.
  scaling_config {
    maximum_concurrency = var.queue_concurrency
  }
  depends_on = [aws_iam_role_policy.this]
}

# Queues may hold requests. To keep the queues, remove them from the state before you
# destroy the rest: README.md, Remove.
resource "aws_sqs_queue" "requests" {
  name                       = "${var.name}-requests"
  visibility_timeout_seconds = 6 * local.functions.function.timeout # no message returns while it is being handled
  message_retention_seconds  = 1209600
  sqs_managed_sse_enabled    = true
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = 10 # enough for an outage of a day
  })
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.name}-dead-letters"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_sqs_queue" "failed_invocations" {
  name                      = "${var.name}-failed-invocations"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_sqs_queue_policy" "failed_invocations" {
  queue_url = aws_sqs_queue.failed_invocations.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.failed_invocations.arn
      Condition = { ArnEquals = { "aws:SourceArn" = [for rule in aws_cloudwatch_event_rule.this : rule.arn] } }
    }]
  })
}
