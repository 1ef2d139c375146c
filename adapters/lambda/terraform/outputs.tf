output "function_name" {
  description = "Try it: aws lambda invoke --function-name NAME:live."
  value       = aws_lambda_function.this["function"].function_name
}

output "webhook_endpoint" {
  description = "Append a route, such as /slack or /alertmanager. Null without http."
  value       = one(aws_apigatewayv2_api.webhooks[*].api_endpoint)
}

output "queue_url" {
  description = "Requests that you send here are carried out one after the other."
  value       = aws_sqs_queue.requests.id
}

output "dead_letters_url" {
  description = "Messages of the queue that failed in every try."
  value       = aws_sqs_queue.dead_letters.id
}

output "failed_invocations_url" {
  description = "Events and asynchronous invocations that failed in every try."
  value       = aws_sqs_queue.failed_invocations.id
}

output "alarm_topic_arn" {
  description = "The topic of all alarms. Subscribe the people on call."
  value       = aws_sns_topic.alarms.arn
}

output "ram_role" {
  description = "The RAM role that the functions assume."
  value       = alicloud_ram_role.tairssl.role_name
}
