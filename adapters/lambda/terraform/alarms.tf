# An alarm that also says when all is well must not say so for want of data.

locals {
  alarms = {
    heartbeat      = { metric = "sweep_succeeded", statistic = "Sum", period = 3600, periods = var.heartbeat_hours, below = true, threshold = 1, missing = "breaching", ok = true, says = "No sweep has succeeded for hours, so nothing finds what events miss. See the log of the function, then the queue of what failed." }
    days_to_expiry = { metric = "days_to_expiry", statistic = "Minimum", period = 3600, periods = 1, below = true, threshold = var.alarm_days_to_expiry, missing = "ignore", ok = true, says = "A certificate expires soon and has not been renewed. tairssl status names it, the log of the last sweep says why." }
    coverage       = { metric = "unread", statistic = "Maximum", period = 3600, periods = 1, below = false, threshold = 0, missing = "ignore", ok = true, says = "A sweep could not read every instance that it listed, so a due one may be missed. The log of the sweep says which and why." }
    at_risk        = { metric = "at_risk", statistic = "Sum", period = 3600, periods = 1, below = false, threshold = 0, missing = "notBreaching", ok = false, says = "A person has to look: no window opens before a certificate expires, or a CA changed. tairssl status and the log say what." }
    notices        = { metric = "notices_failed", statistic = "Sum", period = 3600, periods = 1, below = false, threshold = 0, missing = "notBreaching", ok = false, says = "People were not told something, because a chat or a webhook did not take it. The log says which place, and its error." }
    unknown        = { metric = "unknown", statistic = "Sum", period = 300, periods = 1, below = false, threshold = 0, missing = "notBreaching", ok = false, says = "A change may or may not have happened. Look at tairssl status in some minutes; do not force." }
    failed         = { metric = "failed", statistic = "Sum", period = 300, periods = 1, below = false, threshold = 0, missing = "notBreaching", ok = false, says = "A change failed. The log has the kind of the failure and what to do." }
  }
  queues = {
    dead_letters       = { name = aws_sqs_queue.dead_letters.name, says = "Messages could not be worked on. Drive them back to the queue once the cause is gone." }
    failed_invocations = { name = aws_sqs_queue.failed_invocations.name, says = "Events or asynchronous invocations failed to the last. What was due is found by the next sweep; the messages say what else was asked." }
  }
}

resource "aws_sns_topic" "alarms" {
  name = "${var.name}-alarms"
}

resource "aws_sns_topic_subscription" "email" {
  count     = var.alarm_email == "" ? 0 : 1
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

resource "aws_cloudwatch_metric_alarm" "own" {
  for_each            = local.alarms
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.says
  namespace           = var.name
  metric_name         = each.value.metric
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = each.value.periods
  comparison_operator = each.value.below ? "LessThanThreshold" : "GreaterThanThreshold"
  threshold           = each.value.threshold
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = each.value.ok ? [aws_sns_topic.alarms.arn] : []
}

# Single errors are retried; errors that go on are wrong settings or an outage.
resource "aws_cloudwatch_metric_alarm" "errors" {
  for_each            = local.functions
  alarm_name          = "${each.value.name}-errors"
  alarm_description   = "Invocations keep failing. The log names wrong settings, all of them at once."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = aws_lambda_function.this[each.key].function_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 6
  datapoints_to_alarm = 3
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "queues" {
  for_each            = local.queues
  alarm_name          = each.value.name
  alarm_description   = each.value.says
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = each.value.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
}
