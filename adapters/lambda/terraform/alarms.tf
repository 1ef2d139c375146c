# Missing data must not end an alarm, because the end of an alarm is announced.

locals {
  alarms = {
    heartbeat      = { metric = "sweep_succeeded", statistic = "Sum", period = 3600, periods = var.heartbeat_hours, below = true, threshold = 1, missing = "breaching", ok = true, says = "No sweep has succeeded for hours, so certificates without an event are not renewed. See the log of the function, then the queue of failed invocations." }
    days_to_expiry = { metric = "days_to_expiry", statistic = "Minimum", period = 3600, periods = 1, below = true, threshold = var.alarm_days_to_expiry, missing = "ignore", ok = true, says = "A certificate expires soon and has not been renewed. tairssl status names it, and the log of the last sweep gives the reason." }
    coverage       = { metric = "unread", statistic = "Maximum", period = 3600, periods = 1, below = false, threshold = 0, missing = "ignore", ok = true, says = "A sweep could not read every instance, so it may have missed a due certificate. The log of the sweep names the instances and the reasons." }
    at_risk        = { metric = "at_risk", statistic = "Sum", period = 3600, periods = 1, below = false, threshold = 0, missing = "notBreaching", ok = false, says = "A person has to act. Either no window opens before a certificate expires, or a CA changed. See tairssl status and the log." }
    notices        = { metric = "notices_failed", statistic = "Sum", period = 3600, periods = 1, below = false, threshold = 0, missing = "notBreaching", ok = false, says = "A notice was not delivered, because a chat or a webhook refused it. The log names the place and the error." }
    unknown        = { metric = "unknown", statistic = "Sum", period = 300, periods = 1, below = false, threshold = 0, missing = "notBreaching", ok = false, says = "A change may or may not have happened. Look at tairssl status after some minutes. Do not use --force." }
    failed         = { metric = "failed", statistic = "Sum", period = 300, periods = 1, below = false, threshold = 0, missing = "notBreaching", ok = false, says = "A change failed. The log has the kind of the failure and advice." }
  }
  queues = {
    dead_letters       = { name = aws_sqs_queue.dead_letters.name, says = "Messages of the queue failed in every try. Remove the cause, then redrive them to the queue." }
    failed_invocations = { name = aws_sqs_queue.failed_invocations.name, says = "Events or asynchronous invocations failed in every try. The next sweep finds due certificates. The messages hold all other requests." }
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

# A single error is retried. Repeated errors mean wrong settings or an outage.
resource "aws_cloudwatch_metric_alarm" "errors" {
  for_each            = local.functions
  alarm_name          = "${each.value.name}-errors"
  alarm_description   = "Invocations keep failing. If settings are wrong, the log names all of them."
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
